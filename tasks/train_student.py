"""The stage `train_student`: the student with one seed, ``python -m tasks.train_student SEED``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from models.training.settings import ComputeSettings, NetworkSettings, Selection, TrainingSettings
from tasks import artifacts
from tasks.runtime import params
from tasks.runtime.stage import stage
from tasks.subsets import assignment
from tasks.training.decisions import decisions
from tasks.training.job import CHECKPOINTS, train
from tasks.training.processes import together

NETWORK = ("architecture", "options", "frontend", "weights")


def parse(student: Mapping[str, Any]) -> tuple[NetworkSettings, TrainingSettings]:
    """Return the two halves of `student` in params.yaml: which network, and how it trains."""
    network = {key: value for key, value in student.items() if key in NETWORK}
    training = {key: value for key, value in student.items() if key not in {*NETWORK, "seeds"}}
    return params.parse(NetworkSettings, network, "student"), params.parse(TrainingSettings, training, "student")


def read_soft_labels(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return the soft labels ``(candidates, classes)`` of each cycle."""
    rows = pq.read_table(path, columns=["cycle_id", "soft_labels"])
    soft = (np.asarray(values, dtype=np.float32) for values in rows["soft_labels"].to_pylist())
    return dict(zip(rows["cycle_id"].to_pylist(), soft, strict=True))


def main(seed: str) -> None:
    """Run the stage for the seed that the command line names."""
    decided: dict[str, Any] = {}
    with stage(f"train_student@{seed}", decided) as log:
        read = params.read()
        network, training = parse(params.section(read, "student"))
        assigned = assignment.from_params(read)
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        decided |= decisions(network, training, assigned, seed=int(seed), selections=selections)
        together(
            train,
            network,
            training,
            assigned,
            seed=int(seed),
            selections=selections,
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            features=artifacts.FEATURE_CACHES / network.frontend,
            weights=artifacts.WEIGHTS / network.weights,
            soft=read_soft_labels(artifacts.SOFT_LABELS) if training.objective.name == "soft_labels" else None,
            out=artifacts.STUDENTS / seed,
            checkpoints_root=CHECKPOINTS,
            log=log,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
