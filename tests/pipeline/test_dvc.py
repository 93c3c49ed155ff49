"""The real graph by DVC alone, on a tiny demo corpus with tiny networks: what reruns, and what travels."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests import toy
from tests.pipeline.commands import breathline, finish

# Every stage starts Python and torch anew: the first run takes about a minute on two cores, the others 10 to 25 s.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STAGES = [
    "download",
    "extract",
    "validate",
    "fbank@ast",
    "fbank@efficientat",
    "weights@scratch",
    "train_teacher@mn_s1",
    "train_teacher@ast_s1",
    "soft_labels",
    "train_student@1",
    "evaluate",
]


def tiny(params: dict) -> None:
    """Make the demo's parameters as small as the stages allow."""
    params["download"]["demo"]["patients"] = 10
    params["frontends"] = {"ast": {"duration_s": 2.0}, "efficientat": {"duration_s": 2.0}}
    start = {"weights": "scratch", "seed": 1, "override": {}}
    mn = {"architecture": "mn", "options": {"width": 0.1}, "frontend": "efficientat"}
    ast = {"architecture": "ast", "options": {"size": "tiny", "depth": 1, "stride": 16}, "frontend": "ast"}
    params["teachers"] = {"mn_s1": {**mn, **start}, "ast_s1": {**ast, **start}}
    params["student"].update(mn)
    params["soft_labels"]["k"] = 2
    for training in (params["teacher_training"], params["student"]):
        training["schedule"].update(epochs=1, warmup_epochs=0)
    params["evaluation"]["resamples"] = 50


def edit(folder: Path, change) -> None:
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    change(params)
    yaml.dump(params, folder / "params.yaml")


def ran(printed: str) -> list[str]:
    return re.findall(r"Running stage '(.+)':", printed)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Return a copy of the project, all of its stages run, its results committed, its data pushed to a remote."""
    folder = toy.checkout(ROOT, tmp_path_factory.mktemp("real") / "project")
    edit(folder, tiny)
    toy.call(folder, "dvc", "remote", "add", "--default", "store", str(folder.parent / "store"))
    printed = toy.call(folder, "dvc", "repro")
    assert sorted(ran(printed)) == sorted(STAGES)
    toy.call(folder, "git", "add", ".")
    toy.call(folder, "git", "commit", "--quiet", "-m", "all stages")
    toy.call(folder, "dvc", "push", "--quiet")
    return folder


@pytest.fixture
def project(finished, tmp_path) -> Path:
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)


def recorded(folder: Path) -> dict:
    return YAML(typ="safe").load(folder / "dvc.lock")["stages"]


@pytest.mark.timeout(600)  # all stages twice, with those of the fixture
def test_without_prefect_the_outs_are_the_same_byte_for_byte(finished, tmp_path, server):
    folder = toy.checkout(ROOT, tmp_path / "project")
    edit(folder, tiny)
    status, printed = finish(breathline(folder, server, "run", "--jobs", "2"), timeout_s=300)
    assert status == 0, printed
    assert recorded(folder) == recorded(finished)
    outs = [out["path"] for stage in recorded(finished).values() for out in stage["outs"]]
    files = [path for out in outs for path in [finished / out, *(finished / out).rglob("*")] if path.is_file()]
    assert len(files) > len(outs)
    for path in files:
        there = folder / path.relative_to(finished)
        assert hashlib.sha256(there.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest(), there


def test_a_second_run_has_nothing_to_do_and_git_holds_no_data(finished):
    printed = toy.call(finished, "dvc", "repro")
    assert ran(printed) == []
    assert "up to date" in printed
    assert toy.call(finished, "git", "status", "--porcelain") == ""
    tracked = toy.call(finished, "git", "ls-files", "data", "reports").split()
    assert set(tracked) >= {"reports/metrics.json"}
    assert all(name.endswith((".gitignore", ".json", ".csv")) for name in tracked)


def test_rho_by_an_experiment_reruns_student_and_evaluation_only(project):
    printed = toy.call(project, "dvc", "exp", "run", "--name", "wide", "-S", "student.optimizer.rho=0.1")
    assert ran(printed) == ["train_student@1", "evaluate"]
    assert toy.call(project, "dvc", "exp", "list", "--name-only").split() == ["wide"]
    assert "student.optimizer.rho" in toy.call(project, "dvc", "params", "diff")


def test_one_teachers_seed_reruns_that_teacher_and_what_follows(project):
    edit(project, lambda params: params["teachers"]["ast_s1"].update(seed=7))
    printed = toy.call(project, "dvc", "repro")
    assert ran(printed) == ["train_teacher@ast_s1", "soft_labels", "train_student@1", "evaluate"]


def test_a_recipe_that_is_not_used_reruns_nothing(project):
    recipe = project / "recipes" / "real-cpu.yaml"
    recipe.write_text(recipe.read_text().replace("epochs: ", "epochs: 1"))
    assert ran(toy.call(project, "dvc", "repro")) == []


def test_another_clone_pulls_everything_and_has_nothing_to_do(finished, tmp_path):
    clone = tmp_path / "clone"
    toy.call(tmp_path, "git", "clone", "--quiet", str(finished), str(clone))
    toy.call(clone, "dvc", "pull", "--quiet")
    printed = toy.call(clone, "dvc", "repro")
    assert ran(printed) == []
    assert "up to date" in printed
