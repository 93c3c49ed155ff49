"""Adapter of SPRSound whose cycles are whole recordings, with the labels of tasks 2-1 and 2-2 of the challenge."""

from dataclasses import replace
from pathlib import Path

from tasks.corpora import fact_texts
from tasks.corpora.contents import Cycle, Row
from tasks.corpora.expectations import Expectations, LabelRule
from tasks.corpora.sprsound import annotations, expectations, expected, facts, labels
from tasks.corpora.sprsound.adapter import Sprsound
from tasks.runtime.corpus_facts import CorpusFacts, Identity

LABEL_SETS = fact_texts.label_sets({"label_sets": facts.TEXTS["record_label_sets"]}, labels.RECORD_CLASSES)
LABELS = LabelRule(
    name="sprsound_record_agrees",
    meaning="The labels follow from the label of the recording.",
    sources=("sprsound_record",),
    classes={
        name: {record: index for record in labels.RECORDS if (index := labels.record_label(name, record)) is not None}
        for name in LABEL_SETS
    },
)


class SprsoundRecordings(Sprsound):
    """SPRSound with whole recordings as cycles."""

    name = "sprsound_recordings"
    label_sets = LABEL_SETS
    cycle_columns = dict.fromkeys(("sprsound_record", "sprsound_release"), "string")
    sound_column = "sprsound_record"

    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        """Return the whole recording as one cycle."""
        record = annotations.read(annotation).record
        return [Cycle(start_s=0.0, end_s=duration_s, own={"sprsound_record": record})]

    def label(self, label_set: str, cycle: Row) -> int | None:
        """Return the class of a recording in a label set."""
        return labels.record_label(label_set, cycle["sprsound_record"])

    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of SPRSound with other cycles and label sets."""
        cycle = facts.TEXTS["recordings"]["cycle"]
        own = super().facts(identity)
        return replace(own, name=self.name, cycle=cycle, segments="recordings", label_sets=LABEL_SETS)

    def expectations(self, identity: Identity) -> Expectations:
        """Return the expectations of SPRSound's format, with those of recordings in place of those of events."""
        found = super().expectations(identity)
        return replace(
            found,
            required={"recordings": found.required["recordings"], "cycles": ("sprsound_release",)},
            domains={"recordings": found.domains["recordings"], "cycles": {"sprsound_record": tuple(labels.RECORDS)}},
            whole_recordings=True,
            overlapping={},
            without_cycles={},
            labels=(LABELS,),
            usual=tuple(one for one in found.usual if one is not expectations.GOOD_QUALITY),
            totals=found.totals and {**found.totals, "cycles": expected.RECORDINGS},
            counts=tuple(one for one in found.counts if one.table == "recordings"),
        )


CORPUS = SprsoundRecordings()
