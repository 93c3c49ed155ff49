"""Reference distributions of an export, for monitoring: recordings learned from, and outputs on held-out patients."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.checks import usability
from tasks.checks.settings import UnusableLimits
from tasks.exporting.cycles import LEARNED, Cycles
from tasks.exporting.judged import Judged
from tasks.monitoring.reference import Inputs, Outputs, reference


def of_cycles(cycles: Cycles, judged: Judged, *, classes: Sequence[str], limits: UnusableLimits) -> dict[str, Any]:
    """Return the entry `reference` of an export's card.

    Inputs are the recordings of training and validation patients. Outputs are those for the cycles of validation
    patients, because a model is surer of cycles that it has learned from.

    Args:
        cycles: Cycles of all subsets.
        judged: Limits of the judgement, with what they give for the cycles.
        classes: Names of the classes.
        limits: Limits of usable recordings.
    """
    learned = sorted(set(cycles.column("recording_id", cycles.of(*LEARNED))))
    recordings = [cycles.recordings[one] for one in learned]
    val = cycles.of("val")
    decisions = np.array(judged.decisions())
    inputs = Inputs(
        patient=[row["patient_id"] for row in recordings],
        level_dbfs=[row["rms_dbfs"] for row in recordings],
        centroid_hz=[row.get("centroid_hz") for row in recordings],
        duration_s=[row["duration_s"] for row in recordings],
        sample_rate=[row["sample_rate"] for row in recordings],
        device=[row["device"] for row in recordings],
        usable=[not usability.unusable(row, limits) for row in recordings],
    )
    return reference(
        inputs,
        Outputs(
            recording=cycles.column("recording_id", val),
            patient=cycles.column("patient_id", val),
            decision=decisions[val].tolist(),
            predicted=[classes[index] for index in judged.predicted[val]],
            confidence=judged.probabilities[val].max(axis=1).tolist(),
            distance=judged.distances[val].tolist() if judged.novelty is not None else (),
        ),
    )
