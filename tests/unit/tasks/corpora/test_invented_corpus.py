"""An invented corpus through the whole graph, in this process: no stage needs more than its adapter."""

import io
import json
import sys
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from tasks import (
    download,
    evaluate,
    explain,
    export,
    external,
    extract,
    fbank,
    pool,
    report,
    soft_labels,
    train_student,
    train_teacher,
    validate,
    weights,
)
from tasks.corpora import registry
from tasks.runtime import corpus_facts, params
from tests.unit.tasks.corpora import invented

ROOT = Path(__file__).parents[4]
SETTINGS = {
    "labels": "cough_2",
    "validation": {"fraction": 0.4},
    "teacher_training": {"batch_size": 4, "schedule": {"epochs": 1, "warmup_epochs": 0}},
    "soft_labels": {"k": 1},
    "student": {"batch_size": 4, "schedule": {"epochs": 1, "warmup_epochs": 0}, "optimizer": {"name": "adamw"}},
    "evaluation": {"resamples": 20},
    "export": {"onnx": False},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    read = params.merge(params.read(ROOT / "params.yaml"), SETTINGS)
    read["frontends"] = {"efficientat": {"duration_s": 1.0}}
    read["corpora"] = {"ours": {"format": "coughs", "source": "directory", "path": "source"}}
    read["external"] = {"theirs": {**read["corpora"]["ours"], "test": "official"}}
    read["teachers"] = {"cnn_s1": read["teachers"]["cnn_s1"]}
    YAML().dump(read, tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_corpora", dict(registry._corpora))
    registry.register(invented.Coughs())
    invented.write(tmp_path / "source")
    return tmp_path


class Terminal(io.TextIOWrapper):
    def isatty(self):
        return True


@pytest.mark.slow
def test_an_invented_corpus_goes_through_the_whole_graph_also_on_a_terminal_without_unicode(project, monkeypatch):
    shown = io.BytesIO()
    terminals = {name: Terminal(shown, "ascii", write_through=True) for name in ("stdout", "stderr")}
    for name, terminal in terminals.items():
        monkeypatch.setattr(sys, name, terminal)
    for corpus in (("ours", "training"), ("theirs", "external")):
        download.main(*corpus)
        extract.main(*corpus)
        validate.main(*corpus)
        fbank.main(f"{corpus[0]}-efficientat", corpus[1])
    pool.main()
    external.main()
    weights.main("scratch")
    train_teacher.main("cnn_s1")
    soft_labels.main()
    train_student.main("1")
    evaluate.main()
    explain.main()
    export.main()
    report.main()
    assert b"16/16" in shown.getvalue()

    recordings = pl.read_parquet("data/cycles/recordings.parquet")
    assert set(recordings["corpus"]) == {"ours"}
    assert set(recordings["device"]) == {"watch"}
    cycles = pl.read_parquet("data/cycles/cycles.parquet").sort("cycle_id")
    assert cycles["cycle_id"].to_list()[:2] == ["anna-0_000", "anna-1_000"]
    assert cycles["cough_2"].to_list() == cycles["coughs_wet"].cast(pl.Int8).to_list() == [0, 1] * 8
    assert corpus_facts.read().identity.statement == "Invented coughs"
    assert json.loads(Path("data/validation/ours/results.json").read_text(encoding="utf-8"))["success"]
    predictions = pl.read_parquet("data/evaluation/predictions.parquet")
    assert set(predictions["patient_id"]) == {"fred", "gina", "hans"}
    assert {"p_dry", "p_wet"} <= set(predictions.columns)
    metrics = json.loads(Path("reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["students"]["1"]["val"]["groups"].keys() == {"device"}
    assert metrics["external"]["theirs"]["student"] == metrics["student"], "the same recordings and the same split"
    outside = pl.read_parquet("data/evaluation/external.parquet")
    assert outside.drop("corpus").equals(predictions.drop("corpus"))
    assert set(outside["corpus"]) == {"theirs"}
    assert "Invented coughs" in Path("reports/report.html").read_text(encoding="utf-8")
