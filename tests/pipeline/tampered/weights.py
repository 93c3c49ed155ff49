"""Exchanged networks whose whole evidence was rewritten, each with a finding of a repeated training."""

import json

from tests.pipeline import runs
from tests.pipeline import tampering as do

RECORD = "data/lineage/train_student@1.json"


def exchange(folder):
    """Put another network in the place of the student, with record, dvc.lock, cache and log."""
    do.forge(folder, do.STUDENT, do.noise, content=True)


def exchange_and_evaluate(folder):
    """Exchange the student, make the evaluation and all after it anew, and commit the run."""
    exchange(folder)
    runs.repro(folder, "--force", "--single-item", "evaluate", "explain", "export", "report")
    runs.commit(folder, "nothing to see here")


def train_otherwise(folder):
    """Train the student with another rate, and let its record name the usual parameters on a clean tree."""
    usual = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    do.rerun_otherwise(folder)
    do.vouch(folder, "train_student@1", lambda record: record.update(git=usual["git"], params=usual["params"]))


def change_losses(folder):
    """Change the recorded loss of a training's first step, with dvc.lock, cache and log."""
    do.vouch(folder, "train_student@1", lambda record: record["decisions"]["first_losses"].__setitem__(0, 1.0))


# fmt: off
DEEP = {
    "another network, with all its evidence": (exchange, "training-contradicts", "train_student@1", do.STUDENT),
    "another network, with all its evidence and its evaluation": (
        exchange_and_evaluate, "training-contradicts", "train_student@1", do.STUDENT),
    "a training of another rate, under the usual parameters": (
        train_otherwise, "training-contradicts", "train_student@1", "its first losses are"),
    "a loss of the first steps": (change_losses, "training-contradicts", "train_student@1", "its first losses are 1, "),
}
# fmt: on
