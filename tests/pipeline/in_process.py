"""Stages of dvc.yaml, run in this process one after another: torch is imported once."""

import functools
import hashlib
import importlib
import json
import operator
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from lineage import graph
from tasks import artifacts
from tasks.runtime import params

ROOT = Path(__file__).parents[2]


def repro(folder: Path, memo: dict[str, Path], *, last: str = "report") -> None:
    """Run a stage and those that it needs, or link outs from a folder in which an equal stage ran before.

    Args:
        folder: A folder with a params.yaml. It needs no Git and no DVC, and stages leave no records there.
        memo: The folder in which each stage ran, by a hash of all it depends on; shared by several runs.
        last: The stage.
    """
    shutil.copy2(ROOT / "dvc.yaml", folder)
    stages = graph.read(folder)
    (folder / "dvc.yaml").unlink()
    read, hashes = params.read(folder / "params.yaml"), dict[str, str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in _needed(stages, last):
            values = [functools.reduce(operator.getitem, key.split("."), read) for key in stage.params]
            before = [made for path, made in hashes.items() if any(_overlap(path, used) for used in stage.inputs)]
            text = json.dumps([stage.name, values, before], default=str)
            key = hashlib.sha256(text.encode()).hexdigest()
            hashes |= dict.fromkeys(stage.outs, key)
            if key in memo:
                _link(stage.outs, memo[key], folder)
            else:
                run(stage.name)
                memo[key] = folder


def _needed(stages: Mapping[str, graph.Stage], last: str) -> list[graph.Stage]:
    """Return a stage and those that it needs, in the order of dvc.yaml."""
    found = [stages[last]]
    for stage in reversed(stages.values()):
        inputs = {path for one in found for path in one.inputs}
        if any(_overlap(out, path) for out in stage.outs for path in inputs):
            found.append(stage)
    return found[::-1]


def _overlap(one: str, other: str) -> bool:
    return Path(one).is_relative_to(other) or Path(other).is_relative_to(one)


def _link(outs: tuple[str, ...], source: Path, target: Path) -> None:
    for out in outs:
        if (source / out).is_dir():
            shutil.copytree(source / out, target / out, copy_function=os.link)
        elif (source / out).exists():  # there are no records
            (target / out).parent.mkdir(parents=True, exist_ok=True)
            os.link(source / out, target / out)


def run(stage: str) -> None:
    """Run a stage of the project in the current folder in this process."""
    name, *items = stage.split("@")
    if of_corpus := artifacts.corpus_of(stage):
        name, items = of_corpus[0], [*items, of_corpus[1].role]
    importlib.import_module(f"tasks.{name}").main(*items)
