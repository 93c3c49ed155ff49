"""Facts of the corpora that a model was trained on: counts, devices, sample rates, ages and segments."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from tasks.exporting import statements
from tasks.exporting.cycles import LEARNED, Cycles, Row
from tasks.prediction.fact_parts import LearnedCorpus
from tasks.runtime.corpus_facts import CorpusFacts

UNKNOWN = "unknown"
WHOLE_S = 0.01  # seconds that a cycle may lack of its recording and still is all of it


def describe(facts: CorpusFacts, cycles: Cycles) -> tuple[LearnedCorpus, ...]:
    """Return the facts of each training corpus, by the cycles of its training and validation patients.

    Args:
        facts: Facts of the training corpora.
        cycles: Cycles of all subsets.
    """
    learned = [row for row, inside in zip(cycles.rows, cycles.of(*LEARNED), strict=True) if inside]
    found = []
    for name in sorted({row["corpus"] for row in learned}):
        part = next((part for part in facts.parts if part.name == name), facts)
        own = [row for row in learned if row["corpus"] == name]
        recordings = [cycles.recordings[one] for one in sorted({row["recording_id"] for row in own})]
        found.append(_corpus(name, part, own, recordings))
    return tuple(found)


def _corpus(name: str, facts: CorpusFacts, cycles: Sequence[Row], recordings: Sequence[Row]) -> LearnedCorpus:
    lengths = {row["recording_id"]: row["duration_s"] for row in recordings}
    whole = all(row["duration_s"] >= lengths[row["recording_id"]] - WHOLE_S for row in cycles)
    seconds = [row["duration_s"] for row in cycles]
    ages = [row["age"] for row in recordings if row["age"] is not None]
    return LearnedCorpus(
        name=name,
        title=facts.title,
        generated=facts.generated,
        licence=None if facts.licence is None else facts.licence.name,
        terms=statements.terms(facts),
        citation=facts.citation,
        limits=facts.limits,
        recordings=len(recordings),
        cycles=len(cycles),
        patients=len({row["patient_id"] for row in cycles}),
        hours=round(sum(lengths.values()) / 3600, 2),
        devices=_counts(row["device"] or UNKNOWN for row in recordings),
        sample_rates=_counts(str(row["sample_rate"]) for row in recordings),
        age_years=[min(ages), max(ages)] if ages else None,
        segments="recordings" if whole else facts.segments,
        duration_s={
            "min": round(min(seconds), 3),
            "median": round(float(np.median(seconds)), 3),
            "max": round(max(seconds), 3),
        },
    )


def _counts(values: Iterable[str]) -> dict[str, int]:
    """Return the number of times that each value occurs, sorted by the value."""
    return dict(sorted(Counter(values).items()))
