"""Agreement of two trained networks: their predictions on the validation and test cycles."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax

from lineage.reproduction.recorded_run import RecordedRun
from models.training.settings import ComputeSettings, Selection
from tasks.artifacts import CYCLES, FEATURE_CACHES
from tasks.evaluation.inference import predict_all
from tasks.runtime import params
from tasks.subsets import assignment
from tasks.subsets.splits import Subset
from tasks.training.torch_setup import set_up


@dataclass(frozen=True)
class Agreement:
    """Differences of the predictions of two networks; of the validation and the test cycles the larger ones."""

    cycles: int  # number of cycles of both
    mean: float  # mean absolute difference of the probabilities, over cycles and classes
    changed: float  # fraction of cycles with another most probable class


def agreement(run: RecordedRun, folder: Path, out: str) -> Agreement:
    """Return the agreement of the network of a run with the reproduced one.

    Args:
        run: Recorded run of a training, whose files are as recorded.
        folder: Folder of the reproduction, with the features of all cycles.
        out: Path of the network's folder in both.

    Raises:
        BreathlineError: A file of the networks or of the features is damaged.
    """
    given = run.record["params"]
    assigned = assignment.from_params(given, folder / CYCLES)
    compute = params.parse(ComputeSettings, given["compute"], "compute")
    set_up(compute)
    number, pairs = 0, []
    subsets: tuple[Subset, ...] = ("val", "test")
    for subset in subsets:
        cycles = assigned.cycles(subset)
        logits = predict_all(
            {"run": run.folder / out, "reproduction": folder / out},
            cycles,
            assigned.sources(subset),
            selections=params.parse(list[Selection], given["selections"], "selections"),
            compute=compute,
            features_root=folder / FEATURE_CACHES,
            corpora=assigned.corpora_of(cycles),
        )
        pairs += [(softmax(found["run"], axis=1), softmax(found["reproduction"], axis=1)) for found in logits.values()]
        number += len(cycles)
    return Agreement(
        cycles=number,
        mean=max(float(np.abs(one - other).mean()) for one, other in pairs),
        changed=max(float((one.argmax(1) != other.argmax(1)).mean()) for one, other in pairs),
    )
