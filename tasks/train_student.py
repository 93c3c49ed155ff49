"""Stage `train_student`: training of the student with one seed, saved in ``data/student/SEED/``."""

import sys
from typing import Any

from models.training.settings import ComputeSettings, Selection
from tasks import artifacts
from tasks.runtime import launcher, params
from tasks.runtime.stage import stage
from tasks.subsets import assignment
from tasks.training import student
from tasks.training.decisions import decisions
from tasks.training.job import CHECKPOINTS, train
from tasks.training.processes import run_in_processes


def main(seed: str) -> None:
    """Run the stage for one seed of ``student.seeds`` in params.yaml."""
    decided: dict[str, Any] = {}
    with stage(f"train_student@{seed}", decided, rank=launcher.place().rank) as log:
        read = params.read()
        network, training = student.parse(params.section(read, "student"))
        assigned = assignment.from_params(read)
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        decided |= decisions(network, training, assigned, seed=int(seed), selections=selections)
        distilled = training.objective.name == "soft_labels"
        run_in_processes(
            train,
            network,
            training,
            assigned,
            seed=int(seed),
            selections=selections,
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            features=artifacts.FEATURE_CACHES / network.frontend,
            weights=artifacts.WEIGHTS / network.weights,
            soft=student.read_soft_labels(artifacts.SOFT_LABELS) if distilled else None,
            out=artifacts.STUDENTS / seed,
            checkpoints_root=CHECKPOINTS,
            log=log,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
