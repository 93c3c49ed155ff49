"""Generated corpora of several formats through the whole graph, in this process, as far as the evaluation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from models.metrics import CHALLENGE
from tasks import download, evaluate, external, extract, fbank, pool, train_student, validate, weights
from tasks.runtime import params
from tests.unit.tasks.corpora.hf_lung import generated as hf_lung
from tests.unit.tasks.corpora.kauh import generated as kauh
from tests.unit.tasks.corpora.sprsound import generated as sprsound

ROOT = Path(__file__).parents[4]
SETTINGS = {
    "validation": {"fraction": 0.4},
    "student": {
        "batch_size": 4,
        "objective": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw"},
        "schedule": {"epochs": 1, "warmup_epochs": 0},
        "seeds": [1],
    },
    "evaluation": {"resamples": 20},
}


def whole_recordings(folder: Path) -> Path:
    """Write recordings of SPRSound, every other one of the train part with the label Normal."""
    content = sprsound.recordings(8, ("train", "inter"))
    for _, written in [one for one in content.values() if one[0] == "train"][::2]:
        written["record_annotation"] = "Normal"
    return sprsound.lay_out(folder, content)


# Generator, labels and split, settings of the corpus, and the cycles of the test side.
CORPORA: dict[str, tuple[Callable[[Path], Path], dict[str, Any], dict[str, Any], pl.Expr]] = {
    "hf_lung": (
        lambda folder: hf_lung.lay_out(folder, hf_lung.recordings(6, test=2)),
        {"labels": "lungsound_4", "split": "official"},
        {"hf_lung": {"unannotated": "normal"}},
        pl.col("split") == "test",
    ),
    "kauh": (
        lambda folder: kauh.lay_out(folder, kauh.names()),
        {"labels": "lungsound_2", "split": 0},
        {"kauh": {"crep": "crackle"}},
        pl.col("fold") == 0,
    ),
    "sprsound": (
        whole_recordings,
        {"labels": "sprsound_record_5", "split": "inter"},
        {"sprsound": {"segments": "recordings"}},
        pl.col("split") == "inter",
    ),
}


# Each case trains and evaluates a network.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kauh", marks=pytest.mark.slow),
        pytest.param("hf_lung", marks=pytest.mark.long),
        pytest.param("sprsound", marks=pytest.mark.long),
    ],
)
def test_a_generated_corpus_is_trained_on_and_evaluated(tmp_path, monkeypatch, name):
    write, chosen, own, tested = CORPORA[name]
    write(tmp_path / "source")
    kauh.lay_out(tmp_path / "kauh", kauh.names(kauh.PEOPLE[:4]))
    read = params.merge(params.read(ROOT / "params.yaml"), SETTINGS | chosen)
    source = {"source": "directory", "expect": "partial"}
    read["corpora"] = {"ours": {"format": name, "path": "source", **source, **own}}
    read["external"] = {"theirs": {"format": "kauh", "path": "kauh", **source}} if name == "hf_lung" else {}
    read |= {"frontends": {"efficientat": {"duration_s": 1.0}}, "teachers": {}}
    YAML().dump(read, tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    for corpus in (("ours", "training"), *((one, "external") for one in read["external"])):
        download.main(*corpus)
        extract.main(*corpus)
        validate.main(*corpus)
        fbank.main(f"{corpus[0]}-efficientat", corpus[1])
    pool.main()
    external.main()
    weights.main("scratch")
    train_student.main("1")
    evaluate.main()

    assert json.loads(Path("data/validation/ours/results.json").read_text(encoding="utf-8"))["success"]
    cycles = pl.read_parquet("data/cycles/cycles.parquet")
    predictions = pl.read_parquet("data/evaluation/predictions.parquet").filter(selection="val")
    held_out = cycles.filter(tested & pl.col(chosen["labels"]).is_not_null())
    assert held_out.height > 2
    assert set(predictions["cycle_id"]) == set(held_out["cycle_id"])
    metrics = json.loads(Path("reports/metrics.json").read_text(encoding="utf-8"))
    found = metrics["students"]["1"]["val"]
    if read["external"]:
        outside = pl.read_parquet("data/evaluation/external.parquet").filter(selection="val")
        assert set(outside["cycle_id"]) == {
            f"kauh-P{number}_{letter}_000" for number in range(1, 5) for letter in "BDE"
        }
    assert ("challenge" in found) == (name == "sprsound")
    assert name != "sprsound" or found["challenge"].keys() == set(CHALLENGE)
