"""A user's own recordings as a corpus: download, extract and validate; withdrawal; changed files."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tasks import download, extract, validate
from tasks.corpora import registry
from tasks.corpora.settings import DemoSettings, DownloadSettings, TableSettings
from tasks.corpora.table import normalised, source
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.own_data.invented import LIMITS, make, write_audio

NAMES = [f"{'ä ' * (i == 5)}P{i}_{j}{suffix}" for i in range(6) for j, suffix in enumerate((".wav", ".flac", ".mp3"))]
LABELS = ("normal", "Wheeze", "pleural rub", "abnormal")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Return a folder with audio, the normalised table, and what `extract` makes of them."""
    root = tmp_path_factory.mktemp("corpus")
    folder = write_audio(root / "source", NAMES)
    lines = [
        f"{name},{start},{start + 1.5},{LABELS[(i + start) % 4]},P{i // 3},Eko Z{i % 2},{20 + i // 3}"
        for i, name in enumerate(NAMES)
        for start in (0, 1, 2)
    ]
    made = make(folder, "\n".join(["file,start,end,label,patient,device,age", *lines]), classes={"pleural rub": "own"})
    (root / "mine.csv").write_bytes(normalised.encode(made.rows))
    download.download(settings(root), root / "raw/mine", root / "downloads")
    extract.extract(root / "raw/mine", root / "cycles", root / "audio", rates=[8000], workers=2)
    return root


def settings(root: Path, **given: object) -> DownloadSettings:
    table = root / "mine.csv"
    usual = {
        "format": "table",
        "source": "directory",
        "path": root / "source",
        "metadata": None,
        "expect": "full",
        "sha256": None,
        "mirrors": [],
        "exclude_patients": [],
        "demo": DemoSettings(seed=1, patients=2),
        "table": TableSettings(file=table, sha256=hashlib.sha256(table.read_bytes()).hexdigest()),
    }
    return DownloadSettings(**usual | given)


@pytest.mark.slow
def test_unknown_devices_and_ids_of_any_container_pass_all_checks(corpus):
    written = validate.validate(corpus / "cycles", corpus / "results.json", corpus / "docs", LIMITS)
    assert written["success"]
    recordings = pl.read_parquet(corpus / "cycles/recordings.parquet")
    assert set(recordings["device"]) == {"Eko Z0", "Eko Z1"}
    assert sorted(recordings["table_file"]) == sorted(NAMES)
    assert set(recordings["split"]) == {"train"}
    by_patient = recordings.group_by("patient_id").agg(pl.col("fold").n_unique())
    assert by_patient["fold"].to_list() == [1] * 6
    assert recordings["fold"].n_unique() == 5
    assert recordings["recording_id"].str.contains("^mine-P[0-5]_[A-Za-z0-9_-]+$").all()
    assert recordings["patient_id"].str.starts_with("mine-P").all()


def test_labels_are_classes_of_the_shared_label_sets_and_of_an_own_one(corpus):
    cycles = pl.read_parquet(corpus / "cycles/cycles.parquet")
    sets = json.loads((corpus / "cycles/label_sets.json").read_text(encoding="utf-8"))
    assert sets["labels_own"]["classes"] == ["normal", "abnormal", "pleural rub", "wheeze"]
    columns = ("lungsound_4", "lungsound_2", "labels_own")
    found = {row["table_label"]: tuple(row[column] for column in columns) for row in cycles.to_dicts()}
    expected = {"normal": (0, 0, 0), "Wheeze": (2, 1, 3), "pleural rub": (None, None, 2), "abnormal": (None, 1, 1)}
    assert found == expected
    facts = json.loads((corpus / "cycles/corpus.json").read_text(encoding="utf-8"))
    assert facts["licence"] is None
    assert facts["title"] == "Own recordings (mine)"


def test_the_normalised_table_gives_equal_bytes_and_a_damaged_one_is_refused(corpus, tmp_path):
    content = (corpus / "mine.csv").read_bytes()
    assert normalised.encode(normalised.read(corpus / "mine.csv")) == content
    damages = {",normal,normal,": ",normal,loud,", "mine-P0,": "mine/P0,", ",train,": ",left,", ",0,1.5,": ",-1,1.5,"}
    for old, new in damages.items():
        path = tmp_path / "damaged.csv"
        path.write_text(content.decode().replace(old, new), encoding="utf-8")
        with pytest.raises(BreathlineError, match=r"corpus add") as caught:
            normalised.read(path)
        assert str(caught.value.where).startswith(f"{path}:")


def test_changed_and_missing_recordings_and_a_changed_table_are_refused(corpus, tmp_path):
    audio = write_audio(tmp_path / "audio", NAMES[2:])
    with pytest.raises(BreathlineError, match=r"2 recordings of the table are missing(.|\n)*16 .* have changed"):
        download.download(settings(corpus, path=audio), tmp_path / "raw", tmp_path / "downloads")
    other = TableSettings(file=corpus / "mine.csv", sha256="0" * 64)
    with pytest.raises(BreathlineError, match=r"not the one that params.yaml names"):
        download.download(settings(corpus, table=other), tmp_path / "raw", tmp_path / "downloads")
    with pytest.raises(BreathlineError, match=r"needs the normalised table"):
        download.download(settings(corpus, table=None), tmp_path / "raw", tmp_path / "downloads")


def test_a_withdrawn_patient_leaves_no_name_behind(corpus, tmp_path):
    raw = tmp_path / "raw"
    download.download(settings(corpus, exclude_patients=["mine-P3"]), raw, tmp_path / "downloads")
    table = registry.get("table")
    pattern = table.name_pattern("mine-P3").encode()

    assert re.search(pattern, (corpus / "raw/mine/metadata/table_recordings.csv").read_bytes())
    assert not re.search(pattern, (raw / "metadata/table_recordings.csv").read_bytes())
    assert table.patients_named((corpus / "raw/mine/metadata/table_recordings.csv").read_bytes()) >= {
        "mine-P3",
        "mine-P4",
    }
    assert not [path for path in raw.rglob("*") if "mine-P3" in path.name]
    assert len([*(raw / "audio").iterdir()]) == 2 * 15


def test_a_table_is_not_taken_for_a_published_corpus():
    assert registry.recognise({"anything"}) is None
    assert registry.recognise({"101_1b1_Al_sc_Meditron"}).name == "icbhi"


def test_the_users_own_test_is_a_side_of_its_own(corpus, tmp_path):
    rows = normalised.read(corpus / "mine.csv")
    divided = [replace(row, split="test" if row.patient_id == "mine-P0" else "train", fold=1) for row in rows]
    (tmp_path / source.RECORDINGS).write_bytes(normalised.encode(divided, normalised.OF_RECORDING))
    names = sorted({row.recording_id for row in rows})
    table = registry.get("table")
    known = table.read_metadata(tmp_path, names).recordings
    assert {(row["patient_id"], row["split"]) for row in known.values()} >= {("mine-P0", "own"), ("mine-P1", "train")}
    assert {row["fold"] for row in known.values()} == {1}
    assert set(table.splits) == {"own", "0", "1", "2", "3", "4"}
    with pytest.raises(BreathlineError, match="does not have unknown"):
        table.read_metadata(tmp_path, ["unknown"])
