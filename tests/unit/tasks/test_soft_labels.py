"""Soft labels of the training side."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from models import artifact
from models.networks.registry import create
from models.training.features import Features
from tasks import soft_labels
from tasks.distillation.soft_labels import combine
from tasks.runtime import item_folders
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import merge
from tests.unit.tasks import trainings

OUT = Path("data/soft_labels/soft_labels.parquet")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with two teachers of different front ends, untrained, for their logits differ all the same."""
    trainings.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, teacher in trainings.PARAMS["teachers"].items():
        torch.manual_seed(teacher["seed"])
        shape = {"frames": 40 if teacher["frontend"] == "wide" else 32, "mels": 32}
        classes = ["normal", "crackle", "wheeze", "both"]
        network = create(teacher["architecture"], **shape, classes=4, options=teacher["options"], weights=None)
        card = {key: teacher[key] for key in ("architecture", "options", "frontend")}
        card |= {**shape, "labels": "lungsound_4", "classes": classes}
        artifact.save(tmp_path / "data" / "teachers" / name, {"val": network.state_dict()}, card)
    return tmp_path


def change(project: Path, changes: dict[str, Any]) -> None:
    trainings.write_params(project, merge(trainings.PARAMS, changes))


def test_every_cycle_of_the_training_side_and_no_other(project):
    soft_labels.main()
    table = pq.read_table(OUT)
    assert table.column_names == ["cycle_id", "soft_labels", "logits.ast", "logits.mn"]
    cycles = pq.read_table("data/cycles/cycles.parquet").to_pylist()
    training_side = sorted(row["cycle_id"] for row in cycles if row["split"] == "train")
    assert table["cycle_id"].to_pylist() == training_side
    soft = np.array(table["soft_labels"].to_pylist())[:, 0]
    logits = [np.array(table[f"logits.{name}"].to_pylist()) for name in ("ast", "mn")]
    np.testing.assert_allclose(soft.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(soft, combine([one.astype(np.float32) for one in logits], 1.0), rtol=1e-6)
    network, card = artifact.load(project / "data" / "teachers" / "ast", "val")
    cache = Features(project / "data" / "fbank" / card["frontend"])
    with torch.no_grad():
        expected = network(cache.batch(cache.find(training_side[7:9]), torch.device("cpu"))).numpy()
    np.testing.assert_allclose(logits[0][7:9], expected, atol=1e-5)
    first = OUT.read_bytes()
    soft_labels.main()
    assert OUT.read_bytes() == first, "equal inputs, equal bytes"


def test_k_takes_the_first_but_all_teachers_logits_are_kept(project):
    change(project, {"soft_labels": {"k": 1, "temperature": 2.0}})
    soft_labels.main()
    table = pq.read_table(OUT)
    logits = np.array(table["logits.ast"].to_pylist(), dtype=np.float32)
    np.testing.assert_allclose(np.array(table["soft_labels"].to_pylist())[:, 0], combine([logits], 2.0), rtol=1e-6)
    assert "logits.mn" in table.column_names


def test_without_teachers_the_table_is_empty_but_typed(project):
    params = {key: value for key, value in trainings.PARAMS.items() if key != "teachers"} | {"teachers": {}}
    trainings.write_params(project, params)
    for folder in (project / "data" / "teachers").iterdir():
        folder.rename(project / folder.name)
    soft_labels.main()
    table = pq.read_table(OUT)
    assert table.num_rows == 0
    assert [str(field.type) for field in table.schema] == ["string", "list<element: list<element: float>>"]


def failing(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        soft_labels.main()
    return " ".join(capsys.readouterr().err.split())


def test_what_is_missing_or_left_over_is_named(project, capsys):
    teachers = project / "data" / "teachers"
    (teachers / "old").mkdir()
    (teachers / ".gitignore").write_text("*")
    with pytest.raises(BreathlineError, match=r"(?s)does not name: old.*rm -r .*teachers/old"):
        item_folders.check(teachers, ["mn", "ast"], "Trained teachers")
    assert "rm -r data/teachers/old" in failing(capsys)
    (teachers / "old").rmdir()

    card = (teachers / "ast" / "model.json").read_text()
    (teachers / "ast" / "model.json").write_text(card.replace("lungsound_4", "lungsound_2"))
    assert "The teacher ast was trained for lungsound_2, not for lungsound_4" in failing(capsys)
    (teachers / "ast" / "model.json").write_text(card)

    (project / "data" / "fbank" / "wide" / "demo" / "features.npy").unlink()
    assert "dvc repro fbank@demo-wide" in failing(capsys)
    (teachers / "mn" / "model.json").unlink()
    assert "dvc repro train_teacher@mn" in failing(capsys)
    assert not OUT.exists()
