"""`train_teacher` and `train_student` as processes see them: files in, files out, killed or not."""

from __future__ import annotations

import copy
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from models import artifact
from models.training.features import Features
from tasks import train_student, train_teacher
from tasks.assignment import Assignment
from tasks.errors import BreathlineError
from tasks.params import merge
from tasks.splits import Subset
from tasks.training import part
from tests.unit.tasks import trainings

ROOT = Path(__file__).parents[3]
HISTORY = "epoch lr train_loss val_loss val_sp val_se_strict val_se_lenient val_score_strict val_score_lenient"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    trainings.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(module: Any, argument: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["stage", argument])
    module.main()


def change(project: Path, changes: dict[str, Any]) -> None:
    trainings.write_params(project, merge(copy.deepcopy(trainings.PARAMS), changes))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_teacher_is_what_the_agreement_says(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(project, {"selections": ["val", "paper"]})
    run(train_teacher, "ast", monkeypatch)
    out = project / "data" / "teachers" / "ast"
    assert sorted(contents(out)) == ["history.csv", "model.json", "paper.safetensors", "val.safetensors"]
    card = json.loads((out / "model.json").read_text())
    wanted = {"architecture", "options", "frontend", "frames", "mels", "duration_s", "labels", "classes", "weights"}
    assert wanted | {"seed", "parameters", "selections"} == set(card)
    assert (card["frames"], card["mels"], card["duration_s"], card["seed"]) == (32, 32, 2.0, 2)
    assert card["classes"] == ["normal", "crackle", "wheeze", "both"]
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = HISTORY.split()
    assert list(rows[0]) == names + [name.replace("val", "paper") for name in names if "val_" in name]
    assert [row["epoch"] for row in rows] == ["1", "2"], "the override's epochs"
    best = card["selections"]["val"]
    assert float(rows[best["epoch"] - 1]["val_score_strict"]) == best["score_strict"]
    network, _ = artifact.load(out, "val")
    cache = Features(project / "data" / "fbank" / "narrow")
    assert network(cache.batch(cache.find(list(cache.rows)[:3]), torch.device("cpu"))).shape == (3, 4)
    assert not list((project / ".checkpoints").iterdir())

    cycles = pq.read_table(project / "data" / "cycles" / "cycles.parquet").to_pylist()
    tested = [row for row in cycles if row["split"] == "test"]
    features = cache.batch(cache.find(row["cycle_id"] for row in tested), torch.device("cpu"))
    labels = torch.tensor([row["lungsound_4"] for row in tested])
    loss = torch.nn.functional.cross_entropy(artifact.load(out, "paper")[0](features), labels)
    assert card["selections"]["paper"]["loss"] == pytest.approx(loss.item(), rel=1e-5), "judged on the test set"


def test_killed_and_run_again_it_gives_the_bytes_of_an_undisturbed_run(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    change(project, {"teacher_training": {"schedule": {"epochs": 12}}})
    run(train_teacher, "mn", monkeypatch)
    out = project / "data" / "teachers" / "mn"
    undisturbed = contents(out)
    assert sorted(undisturbed) == ["history.csv", "model.json", "val.safetensors"]
    for path in out.iterdir():
        path.unlink()

    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tasks.train_teacher", "mn"]
    with subprocess.Popen(command, cwd=project, env=env, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (kept := list(project.glob(".checkpoints/*/training.pt"))):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert kept[0].exists()
    assert contents(out) == {}

    with caplog.at_level("INFO"):
        run(train_teacher, "mn", monkeypatch)
    assert "Resumed after epoch" in caplog.text
    assert contents(out) == undisturbed


@pytest.mark.parametrize(
    ("what", "resumes"),
    [("nothing", True), ("features", False), ("seed", False), ("rho", False), ("validation", False)],
)
def test_a_checkpoint_belongs_to_its_inputs_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str, resumes: bool
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(artifact, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            run(train_teacher, "ast", monkeypatch)
    if what == "features":
        with (project / "data" / "fbank" / "narrow" / "features.npy").open("r+b") as file:
            file.seek(5000)
            file.write(b"\x01")
    else:
        change(
            project,
            {
                "nothing": {},
                "seed": {"teachers": {"ast": {"seed": 3}}},
                "rho": {"teacher_training": {"optimizer": {"rho": 0.1}}},
                "validation": {"validation": {"seed": 1}},
            }[what],
        )
    with caplog.at_level("INFO"):
        run(train_teacher, "ast", monkeypatch)
    assert ("Resumed" in caplog.text) == resumes


def test_two_teachers_of_equal_settings_do_not_share_a_checkpoint(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(project, {"teachers": {"twin": trainings.PARAMS["teachers"]["ast"]}})
    folders = []
    for teacher in ("ast", "twin"):
        with monkeypatch.context() as patch:
            patch.setattr(artifact, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run(train_teacher, teacher, monkeypatch)
        folders.append(len(list((project / ".checkpoints").iterdir())))
    assert folders == [1, 2]


def soft_labels(project: Path, cycles: list[str]) -> None:
    folder = project / "data" / "soft_labels"
    folder.mkdir(exist_ok=True)
    rows = {"cycle_id": cycles, "soft_labels": [[[0.4, 0.3, 0.2, 0.1]]] * len(cycles)}
    pq.write_table(pa.table(rows), folder / "soft_labels.parquet")


def test_a_student_learns_from_soft_labels(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soft_labels(project, list(Features(project / "data" / "fbank" / "wide").rows))
    run(train_student, "5", monkeypatch)
    one = contents(project / "data" / "student" / "5")
    assert json.loads(one["model.json"])["seed"] == 5
    run(train_student, "5", monkeypatch)
    assert contents(project / "data" / "student" / "5") == one, "equal inputs, equal bytes"
    change(project, {"student": {"objective": {"name": "cross_entropy"}}})
    run(train_student, "5", monkeypatch)
    assert contents(project / "data" / "student" / "5")["val.safetensors"] != one["val.safetensors"]


def failing(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """Return what a stage that fails shows, in one line."""
    with pytest.raises(SystemExit) as exit_:
        run(*arguments)
    assert exit_.value.code == 1
    return " ".join(capsys.readouterr().err.split())


def test_missing_inputs_are_named_with_what_to_do(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, student = (train_teacher, "ast", monkeypatch), (train_student, "5", monkeypatch)
    assert "There is no teacher as. " in failing(capsys, train_teacher, "as", monkeypatch)

    cycles = list(Features(project / "data" / "fbank" / "wide").rows)
    soft_labels(project, cycles[1:])
    said = failing(capsys, *student)
    assert f"1 training cycles have no soft label, such as {cycles[0]}" in said
    soft_labels(project, [])
    assert "no teacher made any" in failing(capsys, *student)

    index = project / "data" / "fbank" / "narrow" / "index.parquet"
    whole = pq.read_table(index)
    pq.write_table(whole.slice(1), index)
    said = failing(capsys, *teacher)
    assert f"no features of 1 cycles, such as {cycles[0]}" in said
    assert "dvc repro fbank@narrow" in said
    pq.write_table(whole, index)

    source = project / "data" / "weights" / "scratch" / "source.json"
    source.write_text(json.dumps({"sha256": "a" * 64}))
    assert "The weights scratch are missing. " in failing(capsys, *teacher), "never a silent random start"
    source.unlink()
    assert "dvc repro weights@scratch" in failing(capsys, *teacher)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher_training": {"batch_size": 500}}, "do not fill one batch of 500"),
        ({"teacher_training": {"batch_size": 0}}, "out of range: batch_size"),
        ({"teacher_training": {"specaugment": {"policy": "icbhi"}}}, "specaugment.policy"),
        ({"teacher_training": {"sampler": "weigthed"}}, "sampler: Input should be 'weighted' or 'shuffle'"),
        (
            {"teacher_training": {"objective": {"name": "soft_labels", "label_smoothing": 0.0}}},
            "cannot learn from soft",
        ),
        ({"teacher_training": {"optimizer": {"lr": 1e30}}}, "diverged in epoch 1"),
        ({"teachers": {"ast": {"frontend": "none"}}}, "no feature cache in data/fbank/none"),
        ({"teachers": {"ast": {"options": {"dept": 3}}}}, "no option dept"),
        ({"teachers": {"ast": {"override": {"patienc": 3}}}}, "patienc"),
        ({"selections": ["paper"]}, "val is always made"),
        ({"labels": "lungsound_5"}, "no labels `lungsound_5`"),
        ({"compute": {"device": "cuda"}}, "no CUDA device"),
    ],
)
def test_settings_that_cannot_be_are_explained(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    change(project, changes)
    assert message in failing(capsys, train_teacher, "ast", monkeypatch)
    assert not list((project / "data" / "teachers").iterdir())


def test_parameters_and_overrides_merge() -> None:
    settings, training = train_teacher.parse(trainings.PARAMS, "mn")
    assert (settings.seed, training.optimizer.name, training.optimizer.lr) == (1, "sam", 0.003)
    with pytest.raises(BreathlineError, match="There is no teacher x"):
        train_teacher.parse(trainings.PARAMS, "x")


@pytest.mark.parametrize(("changes", "key"), [({"dropout": 0.1}, "student.dropout"), ({"optimizer": {"mu": 1}}, "mu")])
def test_a_student_knows_its_keys_alone(changes: dict[str, Any], key: str) -> None:
    network, training = train_student.parse(trainings.PARAMS["student"])
    assert (network.architecture, training.objective.name) == ("mn", "soft_labels")
    with pytest.raises(BreathlineError, match=key):
        train_student.parse(merge(trainings.PARAMS["student"], changes))


def test_a_part_keeps_rows_labels_and_soft_labels_in_step(project: Path) -> None:
    cache = Features(project / "data" / "fbank" / "wide")
    cycles = list(cache.rows)[:3]
    subsets: dict[str, Subset] = dict(zip(cycles, ("train", "val", "train"), strict=True))
    targets = dict(zip(cycles, (2, 0, 1), strict=True))
    wanted = Assignment(labels="lungsound_4", subsets=subsets, targets=targets, patients=dict.fromkeys(cycles, 101))
    soft = {cycle: np.full(4, target, dtype=np.float32) for cycle, target in targets.items()}
    got = part(wanted, cache, "train", soft)
    assert got.soft is not None
    assert (got.rows.tolist(), got.labels.tolist(), got.soft[:, 0].tolist()) == ([0, 2], [2, 1], [2, 1])
    assert part(wanted, cache, "val", None).rows.tolist() == [1]
    with pytest.raises(BreathlineError, match=f"1 training cycles have no soft label, such as {cycles[2]}"):
        part(wanted, cache, "train", {cycle: soft[cycle] for cycle in cycles[:2]})
