"""Every recipe, in miniature, as a user runs it: `breathline recipe use X --small --corpus …` and `dvc repro`."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from flows.recipes import layers
from tests import toy

# Each stage starts Python and torch anew: 15 to 60 s a recipe on one core. What recipes share, one DVC cache holds.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Return the folder of a DVC cache, which parallel test processes share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "recipes-cache"
    folder.mkdir(exist_ok=True)
    return folder


def run(name: str, corpus: str, folder: Path, cache: Path) -> tuple[dict, dict]:
    """Run a recipe's miniature in a copy of the project and return its parameters and metrics."""
    toy.checkout(ROOT, folder)
    for key, value in (("cache.dir", str(cache)), ("cache.type", "reflink,hardlink,copy")):
        toy.call(folder, "dvc", "config", "--local", key, value)
    toy.call(folder, "breathline", "recipe", "use", name, "--small", "--corpus", corpus)
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["download"]["demo"]["patients"] = 8
    params["evaluation"]["resamples"] = 50
    yaml.dump(params, folder / "params.yaml")
    toy.call(folder, "dvc", "repro")
    return params, json.loads((folder / "reports" / "metrics.json").read_text())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", layers.names(ROOT / "recipes"))
def test_every_recipe_runs_to_its_scores(name, cache, tmp_path):
    params, metrics = run(name, "demo", tmp_path / "project", cache)
    assert metrics["corpus"] == "demo"
    assert metrics["selections"] == params["selections"]
    for selection in params["selections"]:
        assert 0 <= metrics["student"][selection]["score_strict"]["mean"] <= 100
    assert set(metrics["teachers"]) == set(params["teachers"])
    with (tmp_path / "project" / "data" / "student" / "1" / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2


@pytest.mark.real
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["kd_ensemble", "patchmix_cl", "sam_ast"])
def test_recipes_run_on_real_recordings(name, real_icbhi, cache, tmp_path):
    """One of each work, a minute or two each; `breathline leaderboard --small` runs all (docs/results.md)."""
    subprocess.run([sys.executable, real_icbhi / "unpack.py", tmp_path / "real"], check=True)
    _, metrics = run(name, str(tmp_path / "real"), tmp_path / "project", cache)
    assert (metrics["corpus"], metrics["recordings"]) == ("icbhi-part", 165)
    assert metrics["test"]["cycles"] == 456
    assert 0 <= metrics["student"]["val"]["score_strict"]["mean"] <= 100
