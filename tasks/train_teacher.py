"""Stage `train_teacher`: training of one teacher of the ensemble, saved in ``data/teachers/ID/``."""

import sys
from typing import Any

from models.training.settings import ComputeSettings, Selection
from tasks import artifacts
from tasks.runtime import launcher, params
from tasks.runtime.stage import stage
from tasks.subsets import assignment, folds
from tasks.training import teachers
from tasks.training.decisions import decisions
from tasks.training.job import CHECKPOINTS, train
from tasks.training.processes import run_in_processes


def main(teacher: str) -> None:
    """Run the stage for one teacher; the id is a key of ``teachers`` in params.yaml."""
    decided: dict[str, Any] = {}
    with stage(f"train_teacher@{teacher}", decided, rank=launcher.place().rank) as log:
        read = params.read()
        settings, training = teachers.parse(read, teacher)
        network, whole = settings.network(), assignment.from_params(read)
        assigned = folds.without(whole, settings.fold) if settings.fold else whole
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        decided |= decisions(
            network,
            training,
            assigned,
            seed=settings.seed,
            selections=selections,
            fold=settings.fold,
            held_out=[cycle for cycle in whole.subsets if cycle not in assigned.subsets],
        )
        run_in_processes(
            train,
            network,
            training,
            assigned,
            seed=settings.seed,
            selections=selections,
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            features=artifacts.FEATURE_CACHES / settings.frontend,
            weights=artifacts.WEIGHTS / settings.weights,
            soft=None,
            out=artifacts.TEACHERS / teacher,
            checkpoints_root=CHECKPOINTS,
            log=log,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
