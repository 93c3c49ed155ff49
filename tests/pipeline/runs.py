"""A finished run of the whole graph, as small as the stages allow, and copies of it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests import forked, toy

ROOT = Path(__file__).parents[2]
# Names of the generated corpora: one to learn from, of the name that the small project has, and one only tested on.
CORPUS, EXTERNAL = "icbhi", "other"
RAW, AUDIO = Path("data/raw") / CORPUS, Path("data/raw") / CORPUS / "audio"
FEATURES = Path("data/fbank/ast") / CORPUS
AST = {"architecture": "ast", "options": {"size": "tiny", "depth": 1, "stride": 16}, "frontend": "ast"}
# What a new MobileNet predicts for two cycles differs in the seventh digit: too little to see a mistake by.
RESNET = {"architecture": "timm/test_resnet", "options": {}, "frontend": "efficientat"}


def generated(**demo: int) -> dict[str, Any]:
    """Return an item of `corpora` or `external` of generated recordings."""
    return {"format": "demo", "source": "publisher", "demo": demo}


def small(params: dict[str, Any]) -> None:
    """Make the project's parameters as small as the stages allow: two teachers and a student, one epoch each.

    A corpus of four patients is only tested on.
    """
    params["corpora"] = {CORPUS: generated(seed=2017, patients=8)}
    params["external"] = {EXTERNAL: generated(seed=3, patients=4, first_patient=301)}
    params["frontends"] = {"ast": {"duration_s": 2.0}, "efficientat": {"duration_s": 2.0}}
    params["weights"] = {"scratch": {"source": "none", "sha256": None}}
    params["teachers"] = {f"t{seed}": {**AST, "weights": "scratch", "seed": seed, "override": {}} for seed in (1, 2)}
    params["student"].update(RESNET, weights="scratch", seeds=[1])
    params["soft_labels"].update(k=2, combination="mean")
    for training in (params["teacher_training"], params["student"]):
        training["schedule"].update(epochs=1, warmup_epochs=0)
    params["evaluation"]["resamples"] = 50
    params["explanation"]["maps"].update(cycles=2, steps=2)
    params["explanation"]["sharpness"].update(cycles=2, iterations=2, points=2)
    params["export"]["onnx"] = False


def finished(folder: Path) -> Path:
    """Return a copy of the project in which all stages ran on a clean tree, its results committed and pushed."""
    toy.checkout(ROOT, folder)
    edit(folder, small)
    toy.call(folder, "dvc", "remote", "add", "--default", "store", str(folder.parent / "store"))
    commit(folder, "the code")
    repro(folder)
    commit(folder, "the run")
    toy.call(folder, "git", "gc", "--quiet")  # one file in place of 1,600, which each test copies
    toy.call(folder, "dvc", "push", "--quiet")
    return folder


def repro(folder: Path, *targets: str) -> str:
    """Run `dvc repro`, with its stages as forks of a process that has imported torch; return the output."""
    return toy.call(folder, "dvc", "repro", *targets, env=forked.stages_first(toy.ENV))


def edit(folder: Path, change: Callable[[dict[str, Any]], None], name: str = "params.yaml") -> None:
    """Change a YAML file in place, its comments kept."""
    yaml = YAML()
    loaded = yaml.load(folder / name)
    change(loaded)
    yaml.dump(loaded, folder / name)


def parameters(folder: Path, name: str = "params.yaml") -> dict[str, Any]:
    """Return what a YAML file of a project holds."""
    loaded: dict[str, Any] = YAML(typ="safe").load(folder / name)
    return loaded


def locked(folder: Path) -> dict[str, Any]:
    """Return the stages of dvc.lock."""
    stages: dict[str, Any] = parameters(folder, "dvc.lock")["stages"]
    return stages


def commit(folder: Path, message: str) -> None:
    """Commit all that Git does not ignore."""
    toy.call(folder, "git", "add", ".")
    toy.call(folder, "git", "commit", "--quiet", "-m", message)


def copy(run: Path, folder: Path) -> Path:
    """Return a copy of a run; nothing in it is shared with the original."""
    return shutil.copytree(run, folder, symlinks=True)
