"""The real graph by DVC alone: which stages rerun after a change, and which files a clone receives."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from flows.graph import read as read_graph
from flows.plan import plan
from lineage import events, graph
from lineage.verify import verification
from tasks.artifacts import CorpusFolders, Role
from tests import toy
from tests.pipeline import runs
from tests.pipeline.commands import breathline, eventually, succeed

pytestmark = pytest.mark.slow


def ran(printed: str) -> list[str]:
    return re.findall(r"Running stage '(.+)':", printed)


@pytest.mark.long
@pytest.mark.parametrize("target", ["train_teacher@t1", "evaluate"])
def test_without_prefect_the_outs_are_the_same_byte_for_byte(finished_run, tmp_path, server, target):
    folder = tmp_path / "project"
    toy.call(tmp_path, "git", "clone", "--quiet", str(finished_run), str(folder))
    toy.call(folder, "git", "reset", "--quiet", "--hard", "HEAD~1")  # before the run
    succeed(breathline(folder, server, "run", "--jobs", "2", "--target", target), timeout_s=300)
    stages = runs.locked(folder)
    assert target in stages
    assert stages.items() <= runs.locked(finished_run).items()
    outs = [out["path"] for stage in stages.values() for out in stage["outs"]]
    files = [path for out in outs for path in [finished_run / out, *(finished_run / out).rglob("*")] if path.is_file()]
    assert len(files) > len(outs)
    for path in files:
        there = folder / path.relative_to(finished_run)
        assert hashlib.sha256(there.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest(), there


def test_a_second_run_has_nothing_to_do_and_git_holds_no_data(finished_run):
    assert runs.locked(finished_run).keys() == graph.read(finished_run).keys()
    printed = toy.call(finished_run, "dvc", "repro")
    assert ran(printed) == []
    assert "up to date" in printed
    assert toy.call(finished_run, "git", "status", "--porcelain") == ""
    tracked = toy.call(finished_run, "git", "ls-files", "data", "reports").split()
    assert set(tracked) >= {"reports/metrics.json"}
    assert all(name.endswith((".gitignore", ".json", ".csv")) for name in tracked)


def test_rho_changes_no_stage_before_the_student(project):
    runs.edit(project, lambda params: params["student"]["optimizer"].update(rho=0.1))
    assert list(json.loads(toy.call(project, "dvc", "status", "--json"))) == ["train_student@1"]  # evaluation follows


@pytest.mark.long
def test_rho_by_an_experiment_reruns_student_and_evaluation_only(project):
    printed = toy.call(project, "dvc", "exp", "run", "--name", "wide", "-S", "student.optimizer.rho=0.1")
    assert ran(printed) == ["train_student@1", "evaluate", "explain", "export", "report"]
    assert toy.call(project, "dvc", "exp", "list", "--name-only").split() == ["wide"]
    assert "student.optimizer.rho" in toy.call(project, "dvc", "params", "diff")


@pytest.mark.long  # trains the student in a temporary copy
@pytest.mark.parametrize("way", ["--temp", "--queue"])
def test_a_temporary_experiment_stays_in_the_log_of_its_project_and_is_no_tampering(project, way):
    changed = ("--name", "narrow", "--set-param", "student.optimizer.rho=0.03")
    toy.call(project, "dvc", "exp", "run", way, *changed)
    if way == "--queue":
        toy.call(project, "dvc", "queue", "start")
        eventually(lambda: "Success" in toy.call(project, "dvc", "queue", "status"), seconds=300)
    toy.call(project, "dvc", "exp", "apply", "narrow")
    report = verification.verify(project)
    assert (report.errors, {one.kind for one in report.notes} <= {"git-dirty", "git-dirty-run"}) == ([], True)
    names = {entry["stage"]: entry.get("experiment") for entry in events.read(project)}
    assert (names["train_student@1"], names["train_teacher@t1"]) == ("narrow", None)


def planned(project: Path) -> set[str]:
    """Return the stages that a run would run."""
    return {step.stage for step in plan(read_graph(project)) if step.runs}


def of_corpus(role: Role, name: str) -> set[str]:
    """Return the stages of one corpus."""
    corpus = CorpusFolders(role, name)
    return {corpus.stage(work) for work in ("download", "extract", "validate")} | {
        corpus.stage("fbank", front_end) for front_end in ("ast", "efficientat")
    }


def test_a_new_corpus_that_is_only_tested_on_trains_nothing(project):
    runs.edit(project, lambda params: params["external"].update(ward=runs.generated(patients=3, first_patient=401)))
    assert planned(project) == of_corpus("external", "ward") | {"external", "evaluate", "explain", "export", "report"}


def test_a_new_corpus_to_learn_from_runs_its_own_stages_the_pool_and_what_learns(project):
    runs.edit(project, lambda params: params["corpora"].update(ward=runs.generated(patients=3, first_patient=401)))
    learning = {"train_teacher@t1", "train_teacher@t2", "soft_labels", "train_student@1"}
    learning |= {"evaluate", "explain", "export", "report"}
    assert planned(project) == of_corpus("training", "ward") | {"pool"} | learning


@pytest.fixture
def other_seed(project) -> Path:
    runs.edit(project, lambda params: params["teachers"]["t2"].update(seed=7))
    return project


def test_one_teachers_seed_changes_no_other_teacher(other_seed):
    changed = json.loads(toy.call(other_seed, "dvc", "status", "--json"))
    # The student follows the soft labels; the report follows all others.
    assert list(changed) == ["train_teacher@t2", "soft_labels", "evaluate", "explain"]


@pytest.mark.long
def test_one_teachers_seed_reruns_that_teacher_and_what_follows(other_seed):
    printed = runs.repro(other_seed)
    after = ["soft_labels", "train_student@1", "evaluate", "explain", "export", "report"]
    assert ran(printed) == ["train_teacher@t2", *after]


def test_a_recipe_that_is_not_used_reruns_nothing(project):
    recipe = project / "recipes" / "real-cpu.yaml"
    recipe.write_text(recipe.read_text().replace("epochs: ", "epochs: 1"))
    assert ran(toy.call(project, "dvc", "repro")) == []


def test_another_clone_pulls_everything_and_has_nothing_to_do(finished_run, tmp_path):
    clone = tmp_path / "clone"
    toy.call(tmp_path, "git", "clone", "--quiet", str(finished_run), str(clone))
    toy.call(clone, "dvc", "pull", "--quiet")
    printed = toy.call(clone, "dvc", "repro")
    assert ran(printed) == []
    assert "up to date" in printed
