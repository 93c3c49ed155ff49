"""Stage `train_student`: training of the student with one seed, saved in ``data/student/SEED/``."""

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


def main(seed: str) -> None:
    """Run the stage for one seed of ``student.seeds`` in params.yaml."""
    decided: dict[str, Any] = {}
    place = launcher.place()
    with stage(f"train_student@{seed}", decided, rank=place.rank) as log:
        read = params.read()
        job = jobs.of_student(read, int(seed))
        decided |= decisions(job, place.size)
        decided[FIRST_LOSSES] = run_in_processes(
            train,
            job,
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            out=artifacts.STUDENTS / seed,
            checkpoints_root=CHECKPOINTS,
            log=log,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
