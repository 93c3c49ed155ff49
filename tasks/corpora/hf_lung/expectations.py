"""Expectations of recordings in HF_Lung's format."""

from itertools import combinations

from tasks.corpora import fact_texts, optional_sounds, recording_names
from tasks.corpora.expectations import Expectations, LabelRule, NameRule, UsualValues
from tasks.corpora.hf_lung import annotations, facts, labels, names, sides

UNANNOTATED = {"unknown": None, labels.NORMAL: labels.NORMAL}  # a missing value is called unknown in the checks
SOUNDS = tuple(
    labels.column(some)
    for number in range(len(annotations.SOUNDS) + 1)
    for some in combinations(annotations.SOUNDS, number)
)
FLAGS = tuple(f"hf_lung_{sound.lower()}" for sound in annotations.SOUNDS)


def _classes(label_set: str) -> dict[str, int]:
    """Return the class index in a label set by sounds and settings."""
    return {
        f"{sounds} {unannotated} {also}": index
        for sounds in SOUNDS
        for unannotated, normal in UNANNOTATED.items()
        for also, wheeze in optional_sounds.columns().items()
        if (index := labels.label(label_set, sounds, unannotated=normal, also_wheeze=wheeze)) is not None
    }


EXPECTATIONS = Expectations(
    name=NameRule(
        pattern=recording_names.unnamed_groups(names.PATTERN),
        parts=("hf_lung_series", "hf_lung_take"),
        meaning="A recording has a name of HF_Lung's form: series, date and time, location and number.",
        hint="rename the wav and its label file at the source, as in steth_20190821_12_00_25",
    ),
    required={
        "recordings": ("device", "annotation_sha256", "hf_lung_date", "hf_lung_sounds_outside"),
        "cycles": ("hf_lung_phase", "hf_lung_sounds", *FLAGS),
    },
    domains={
        "recordings": {
            "location": names.LOCATIONS,
            "device": tuple(names.DEVICES.values()),
            "split": sides.SIDES,
            "fold": tuple(range(fact_texts.FOLDS)),
        },
        "cycles": {
            "hf_lung_phase": tuple(annotations.PHASES.values()),
            "hf_lung_sounds": SOUNDS,
            **dict.fromkeys(FLAGS, (0, 1)),
        },
    },
    apart=False,
    labels=(
        LabelRule(
            name="lungsound_agrees",
            meaning="The lung-sound labels follow from the annotated sounds and from the settings.",
            sources=("hf_lung_sounds", "hf_lung_unannotated", "hf_lung_also_wheeze"),
            classes={name: _classes(name) for name in facts.LABEL_SETS},
        ),
    ),
    usual=(
        UsualValues(
            name="sounds_in_breaths", column="hf_lung_sounds_outside", values=(0,),
            meaning="Every annotated sound lies in an inhalation or exhalation; others are in no cycle.",
            hint="nothing, where the annotation is right: the corpus annotates sounds between breaths, too",
        ),
        UsualValues(
            name="published_length", column="duration_s", values=(facts.SECONDS,),
            meaning="Every recording lasts 15 s, as HF_Lung's do.",
            hint="get the published files: other lengths come from a later cut",
        ),
        UsualValues(
            name="mono", column="channels", values=(1,), meaning="Every recording has one channel, as HF_Lung's have.",
            hint="nothing: the mean of the channels is used",
        ),
        UsualValues(
            name="published_rate", column="sample_rate", values=(4000,),
            meaning="Every recording has 4,000 samples a second, as HF_Lung's have.",
            hint="get the published files: other rates come from a later conversion",
        ),
    ),
)  # fmt: skip
