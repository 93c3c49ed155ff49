"""Stage `train_teacher`: training of one teacher of the ensemble, saved in ``data/teachers/ID/``."""

import sys
from typing import Any

from models.training.settings import ComputeSettings
from tasks import artifacts
from tasks.runtime import launcher, params
from tasks.runtime.stage import stage
from tasks.training import jobs
from tasks.training.decisions import FIRST_LOSSES, decisions
from tasks.training.job import CHECKPOINTS, train
from tasks.training.processes import run_in_processes


def main(teacher: str) -> None:
    """Run the stage for one teacher; the id is a key of ``teachers`` in params.yaml."""
    decided: dict[str, Any] = {}
    place = launcher.place()
    with stage(f"train_teacher@{teacher}", decided, rank=place.rank) as log:
        read = params.read()
        job = jobs.of_teacher(read, teacher)
        decided |= decisions(job, place.size)
        decided[FIRST_LOSSES] = run_in_processes(
            train,
            job,
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            out=artifacts.TEACHERS / teacher,
            checkpoints_root=CHECKPOINTS,
            log=log,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
