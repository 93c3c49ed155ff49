"""A finished run of the whole graph, as small as the stages allow, and copies of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from ruamel.yaml import YAML

from tests import toy

ROOT = Path(__file__).parents[2]
AST = {"architecture": "ast", "options": {"size": "tiny", "depth": 1, "stride": 16}, "frontend": "ast"}


def finished(folder: Path) -> Path:
    """Return a copy of the project in which two teachers and a student ran on a clean tree, its results committed."""
    toy.checkout(ROOT, folder)
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["download"] |= {"corpus": "demo", "source": "publisher"}
    params["download"]["demo"]["patients"] = 8
    params["frontends"] = {"ast": {"duration_s": 2.0}}
    params["weights"] = {"scratch": {"source": "none", "sha256": None}}
    params["teachers"] = {f"t{seed}": {**AST, "weights": "scratch", "seed": seed, "override": {}} for seed in (1, 2)}
    params["student"].update(AST, weights="scratch", seeds=[1])
    params["soft_labels"].update(k=2, combination="mean")
    for training in (params["teacher_training"], params["student"]):
        training["schedule"].update(epochs=1, warmup_epochs=0)
    params["evaluation"]["resamples"] = 50
    yaml.dump(params, folder / "params.yaml")
    commit(folder, "the code")
    toy.call(folder, "dvc", "repro")
    commit(folder, "the run")
    return folder


def commit(folder: Path, message: str) -> None:
    """Commit all that Git does not ignore."""
    toy.call(folder, "git", "add", ".")
    toy.call(folder, "git", "commit", "--quiet", "-m", message)


def copy(run: Path, folder: Path) -> Path:
    """Return a copy of a run; nothing in it is shared with the original."""
    return shutil.copytree(run, folder, symlinks=True)
