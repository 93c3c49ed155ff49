"""Students trained on real recordings: `predictions.parquet`, `breathline predict` and the server agree."""

import csv
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
import torch

from cli.loaded_model import Engine
from cli.predict import predict
from flows.recipes import corpus
from models import artifact
from models.training.features import Features
from tasks import artifacts
from tests.pipeline import in_process, runs
from tests.unit.models.export import cards
from tests.unit.tasks.serving.servers import running_server

# 20 s; the front ends share all stages before the training.
pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-4
STUDENT = artifacts.STUDENTS / "1"
# Few recordings of all four devices and of three sample rates, as patients of the official training and test side.
TRAINED, TESTED = ("103", "110", "131", "130"), ("101", "109", "145", "223")
STUDENTS = {"ast": runs.AST, "efficientat": runs.RESNET}


@pytest.fixture(scope="module")
def recordings(real_icbhi, tmp_path_factory) -> Path:
    """Return a folder of some patients' recordings, with annotations and metadata, as the publisher's archive has."""
    folder = tmp_path_factory.mktemp("patients")
    with (real_icbhi / "index.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["recording"][:3] in TRAINED + TESTED]
    for row in rows:
        samples, rate = soundfile.read(real_icbhi / "flac" / f"{row['recording']}.flac", dtype="int32")
        soundfile.write(folder / f"{row['recording']}.wav", samples, rate, subtype=row["subtype"])
        shutil.copy(real_icbhi / "annotations" / f"{row['recording']}.txt", folder)
    for path in (real_icbhi / "metadata").iterdir():
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def memo() -> dict[str, Path]:
    """Return where stages ran that both front ends have in common."""
    return {}


@pytest.fixture(params=["ast", pytest.param("efficientat", marks=pytest.mark.long)])
def project(request, recordings, memo, tmp_path_factory, monkeypatch) -> Path:
    """Return the folder of a run with an export, as the working directory; it stays for `memo`."""
    folder = tmp_path_factory.mktemp("project")

    def parameters(params: dict) -> None:
        runs.small(params)
        params["corpora"] = corpus.items([str(recordings)], "--corpus")
        params.update(external={}, teachers={})
        params["student"].update(STUDENTS[request.param])
        params["student"]["objective"]["name"] = "cross_entropy"
        params["student"]["optimizer"]["lr"] = 1e-4
        params["export"]["onnx"] = True

    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(folder)
    runs.edit(folder, parameters)
    in_process.repro(folder, memo, last="train_student@1")
    spread_predictions()
    (artifacts.EXPORTS / "7").mkdir(parents=True)  # of a seed that params.yaml no longer names
    for stage in ("external", "evaluate", "export"):
        in_process.run(stage)
    return folder


def spread_predictions() -> None:
    """Scale the last layer of the student: an epoch does not teach it to tell cycles apart."""
    network, card = artifact.load(STUDENT, "val")
    features = Features(artifacts.FEATURE_CACHES / card["frontend"] / "icbhi")
    some = features.batch(np.arange(0, len(features.rows), 8), torch.device("cpu"))
    cards.spread_logits(network, some, spread=0.5, centred=True)
    artifact.save(STUDENT, {"val": network.state_dict()}, card)


def predicted(wavs: list[Path], engine: Engine) -> pl.DataFrame:
    """Return the rows that `breathline predict` writes for recordings with their annotations."""
    out = Path(f"{engine}.parquet")
    predict([str(wav) for wav in wavs], model="data/export/1", engine=engine, out=[out])
    return pl.read_parquet(out).sort("cycle_id")


def served(wavs: list[Path], folder: Path) -> pl.DataFrame:
    """Return the segments that the server answers to uploads of recordings with their annotations."""
    rows = []
    with running_server(folder, artifacts.EXPORTS / "1") as server:
        for wav in wavs:
            parts = {"file": wav, "annotation": wav.with_suffix(".txt")}
            files = {part: (path.name, path.read_bytes()) for part, path in parts.items()}
            rows += server.client.post("/predict", files=files).raise_for_status().json()["segments"]
    found = pl.DataFrame(rows)
    return found.with_columns(found["probabilities"].struct.unnest().select(pl.all().name.prefix("p_")))


def compare(found: pl.DataFrame, table: pl.DataFrame) -> None:
    """Assert that segments have the probabilities and classes of the cycles in a table, in the same order."""
    names = [name for name in table.columns if name.startswith("p_")]
    expected = table.select(names).to_numpy()
    np.testing.assert_allclose(found.select(names).to_numpy(), expected, rtol=0, atol=TOLERANCE)
    classes = np.array([name.removeprefix("p_") for name in names])[table["predicted"].to_numpy()]
    two = np.sort(expected)[:, -2:]
    different = np.flatnonzero((found["predicted"].to_numpy() != classes) & (two[:, 1] - two[:, 0] > 2 * TOLERANCE))
    assert not different.size, table[different]


def test_the_table_of_predictions_equals_what_the_command_and_the_server_predict(project, recordings, tmp_path):
    assert [path.name for path in artifacts.EXPORTS.iterdir()] == ["1"]
    table = pl.read_parquet(artifacts.PREDICTIONS).filter(model="student/1").sort("cycle_id")
    wavs = sorted(path for path in recordings.glob("*.wav") if path.stem[:3] in TESTED)
    assert table.height == sum(len(wav.with_suffix(".txt").read_text().splitlines()) for wav in wavs) == 98
    assert table["p_normal"].std() > 500 * TOLERANCE
    for found in (predicted(wavs, "onnx"), predicted(wavs, "torch"), served(wavs, tmp_path)):
        compare(found, table)
