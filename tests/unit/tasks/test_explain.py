"""The whole stage `explain` on untrained networks."""

import json
from pathlib import Path

import polars as pl
import pytest
import torch

from models.training.inference import embed, predict
from models.training.settings import ComputeSettings
from tasks import explain
from tasks.evaluation.predictions import table
from tasks.runtime import files, params
from tasks.runtime.files import sha256
from tasks.training import trained_networks
from tests.unit.tasks import test_evaluate
from tests.unit.tasks.evaluation.example import CLASSES, cycles
from tests.unit.tasks.evaluation.example import predict as predict_randomly
from tests.unit.tasks.test_evaluate import NETWORKS, change

project = test_evaluate.project
OUTS = ("data/explanation/embeddings.parquet", "reports/explanation.json", "data/explanation/maps.parquet")


@pytest.mark.slow  # 3 s
def test_every_model_embeds_the_sample_and_equal_inputs_give_equal_bytes(project: Path) -> None:
    settings = params.read(project / "params.yaml")["explanation"]
    settings["embeddings"]["cycles"] = 30
    settings["maps"] |= {"cycles": 3, "methods": ["layer_cam"], "steps": 2}
    settings["sharpness"] |= {"cycles": 3, "iterations": 1, "points": 2}
    change(project, explanation=settings)
    tested = cycles(patients=10).filter(pl.col("patient_id") >= "105")
    files.write_table(
        project / "data/evaluation/predictions.parquet",
        table([predict_randomly("student/1", tested, 0, 1.0)], tested, CLASSES),
    )
    explain.main()
    first = [sha256(project / path) for path in OUTS]
    embedded = pl.read_parquet(project / OUTS[0])
    assert embedded["model"].unique().sort().to_list() == ["student/1", "student/2", "teacher/a", "teacher/b"]
    sizes = embedded.group_by("model", "subset").len()
    assert sizes.filter(pl.col("subset") == "test")["len"].to_list() == [30] * 4
    assert not set(embedded.filter(pl.col("subset") == "test")["patient_id"]) & {"101", "102", "103", "104"}
    found = json.loads((project / OUTS[1]).read_text())["embeddings"]
    assert found["sample"]["test"] == {"cycles": 30, "of": 72}
    assert found["omitted"]["test"]["corpus"].startswith("one value")
    assert found["models"].keys() == set(embedded["model"])
    assert found["models"]["student/1"]["val"]["test"]["class"]["probe"]["chance"] == 25.0
    maps, figures = pl.read_parquet(project / OUTS[2]), json.loads((project / OUTS[1]).read_text())
    assert maps["model"].unique().to_list() == ["student/1"]
    assert maps.height > 10, "three tested cycles, and those that the report shows"
    assert list(figures["maps"]["models"]) == ["student/1"]
    assert list(figures["sharpness"]["models"]) == ["student/1", "student/2", "teacher/a"]
    trained_by = {name: one["optimizer"] for name, one in figures["sharpness"]["models"].items()}
    assert trained_by["student/1"] == params.read(project / "params.yaml")["student"]["optimizer"]["name"]
    explain.main()
    assert [sha256(project / path) for path in OUTS] == first


def test_the_head_makes_the_logits_from_the_embeddings(project: Path) -> None:
    compute = ComputeSettings(**params.read(project / "params.yaml")["compute"])
    folder, cycles = project / "data" / next(iter(NETWORKS)), pl.read_parquet("data/cycles/cycles.parquet")
    found = trained_networks.load(folder, "val", cycles["cycle_id"][:5].to_list(), [], project / "data/fbank")
    embedded = embed(found.network, found.features, found.rows, compute=compute)
    logits = predict(found.network, found.features, found.rows, compute=compute)
    assert embedded.shape == (5, found.network.num_features)
    assert found.network.head(torch.from_numpy(embedded)).detach().numpy() == pytest.approx(logits, abs=1e-5)


def test_a_folder_of_a_teacher_that_params_yaml_does_not_name_stops_the_stage(project: Path, capsys) -> None:
    test_evaluate.network(project / "data/teachers/old", 9)
    with pytest.raises(SystemExit):
        explain.main()
    assert "old" in capsys.readouterr().err
    assert not (project / "data/explanation").exists()
