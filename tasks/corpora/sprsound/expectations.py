"""Expectations of recordings in SPRSound's format, and of the complete release BioCAS2022."""

from tasks.corpora import fact_texts, optional_sounds, recording_names
from tasks.corpora.expectations import Count, Expectations, LabelRule, NameRule, UsualValues
from tasks.corpora.sprsound import expected, facts, labels, names, sides
from tasks.runtime.corpus_facts import Identity

NAMES = NameRule(
    pattern=recording_names.unnamed_groups(names.PATTERN),
    parts=("sprsound_patient", "sprsound_age", "sprsound_sex", "sprsound_site", "sprsound_number"),
    meaning="A recording has a name of SPRSound's form: patient, age, sex, chest location, number.",
    hint="rename the wav and its annotation at the source, as in 65101170_0.4_1_p3_3246",
)
LABELS = (
    LabelRule(
        name="lungsound_agrees",
        meaning="The lung-sound labels follow from the type of the event and from the mapped types.",
        sources=("sprsound_event", "sprsound_also_wheeze"),
        classes={
            name: {
                f"{event} {mapping}": index
                for mapping, some in optional_sounds.columns().items()
                for event in labels.EVENTS
                if (index := labels.label(name, event, some)) is not None
            }
            for name in ("lungsound_4", "lungsound_2")
        },
    ),
    LabelRule(
        name="sprsound_event_agrees",
        meaning="The labels of the challenge follow from the type of the event.",
        sources=("sprsound_event",),
        classes={
            name: {event: index for event in labels.EVENTS if (index := labels.label(name, event)) is not None}
            for name in ("sprsound_event_7", "sprsound_event_2")
        },
    ),
)
GOOD_QUALITY = UsualValues(
    name="good_quality",
    column="sprsound_record",
    values=tuple(name for name in labels.RECORDS if name != labels.POOR_QUALITY),
    meaning="Every recording is of good quality by its own label.",
    hint="nothing: recordings of poor quality have no events, and nothing is learned from them",
)
USUAL = (
    GOOD_QUALITY,
    UsualValues(
        name="mono", column="channels", values=(1,), meaning="Every recording has one channel, as SPRSound's have.",
        hint="nothing: the mean of the channels is used",
    ),
    UsualValues(
        name="published_rate", column="sample_rate", values=(8000,),
        meaning="Every recording has 8,000 samples a second, as SPRSound's have.",
        hint="get the published files: other rates come from a later conversion",
    ),
    UsualValues(
        name="published_depth", column="bit_depth", values=(16,),
        meaning="Every recording has 16 bits, as SPRSound's have.",
        hint="get the published files: other depths come from a later conversion",
    ),
)  # fmt: skip
COUNTS = (
    Count(
        name="recordings_per_side", table="recordings", groups=("split",), counts=expected.SIDE_RECORDINGS,
        noun="recordings",
    ),
    Count(
        name="events_per_type", table="cycles", groups=("sprsound_event",), counts=expected.EVENT_TYPES, noun="events"
    ),
)  # fmt: skip
TOTALS = {"recordings": expected.RECORDINGS, "patients": expected.PATIENTS, "cycles": expected.EVENTS}


def expectations(identity: Identity) -> Expectations:
    """Return the expectations of recordings in SPRSound's format; with published numbers for the complete release."""
    complete = identity.name == facts.COMPLETE
    return Expectations(
        name=NAMES,
        required={
            "recordings": ("age", "sex", "location", "device", "bit_depth", "annotation_sha256", "sprsound_release"),
            "cycles": ("sprsound_event", "sprsound_event_7", "sprsound_event_2", "sprsound_release"),
        },
        domains={
            "recordings": {
                "location": tuple(names.LOCATIONS.values()),
                "sex": tuple(names.SEXES.values()),
                "device": (facts.DEVICE,),
                "split": sides.SIDES,
                "fold": tuple(range(fact_texts.FOLDS)),
                "sprsound_record": tuple(labels.RECORDS),
                "sprsound_record_3": tuple(dict.fromkeys(labels.RECORDS.values())),
            },
            "cycles": {"sprsound_event": labels.EVENTS},
        },
        patient_columns=("sex",),
        shared_sides=sides.SHARED_SIDES,
        overlapping={"sprsound_release": ("2024", "2025")},
        without_cycles={"sprsound_record": (labels.POOR_QUALITY,)},
        labels=LABELS,
        usual=USUAL,
        totals=TOTALS if complete else {},
        counts=COUNTS if complete else (),
        counts_hint="get the complete release again; or, for a part of it, set `expect: partial` in params.yaml",
    )
