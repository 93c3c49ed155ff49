"""`download` of a dataset on Kaggle, from a stand-in on loopback."""

import json
import shutil
import threading
from hashlib import sha256

import polars as pl
import pytest

from tasks.corpora.icbhi.metadata import FOLDS_FILE, SPLIT_FILE
from tasks.extract import extract
from tasks.runtime.errors import TransientError
from tasks.sources import kaggle, limits
from tests.unit.tasks.download.project import KNOWN, NAMES, Project, settings
from tests.unit.tasks.sources import corpora
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.dataset_hosts import DATASET, SECRETS, use_kaggle

TOPS = ("Respiratory_Sound_Database", "respiratory_sound_database")
needs_kagglehub = pytest.mark.skipif("not __import__('importlib').util.find_spec('kagglehub')", reason="no kagglehub")


def of_kaggle() -> dict[str, bytes]:
    """Return the files of Kaggle's zip: everything twice, below folders that differ in case, and no split file."""
    files = {"demographic_info.txt": b"101 3 F NA 19 99\n"}
    for top in TOPS:
        files |= corpora.recordings(KNOWN, f"{top}/{top}/audio_and_txt_files")
        files[f"{top}/{top}/patient_diagnosis.csv"] = b"101,URTI\n102,Healthy\n"
    return files


def extracted(project: Project) -> dict[str, pl.DataFrame]:
    """Extract `data/raw`, and return the tables."""
    out = project.raw.with_name("cycles")
    extract(project.raw, out, out / "audio", rates=[4000], workers=1)
    tables = {name: pl.read_parquet(out / name) for name in ("cycles.parquet", "recordings.parquet")}
    shutil.rmtree(out)
    return tables


@pytest.mark.slow
@needs_kagglehub
def test_kaggle_s_dataset_is_fetched_as_it_is(tmp_path, project, host, caplog, capfd):
    zipped = corpora.zipped(tmp_path / "a.zip", of_kaggle()).read_bytes()
    host.versions[DATASET] = {1: b"old", 2: zipped}
    host.script["archive.zip"] = [lambda handler: behave.good(handler, sent=0), behave.breaks_off(1000)]
    source = project.download(settings("kaggle", dataset=DATASET, expect="full"))
    assert source["dataset"] == {"name": DATASET, "revision": "2"}
    name = "vbookshelf--respiratory-sound-database--2.zip"
    assert source["archive"] == {"name": name, "sha256": sha256(zipped).hexdigest(), "bytes": len(zipped)}
    assert (source["recordings"], source["equal_copies"], source["identity"]["name"]) == (5, 10, "icbhi")
    assert source["shipped_metadata"] == [SPLIT_FILE, FOLDS_FILE]
    assert ("storage/archive.zip", "bytes=1000-") in host.asked, "what had come was kept"
    assert "to pin it, set `revision: 2`" in caplog.text
    assert not project.downloads.exists()
    written = "".join(path.read_text(errors="replace") for path in project.raw.rglob("*") if path.is_file())
    for secret in SECRETS:
        assert secret not in caplog.text + written + "".join(capfd.readouterr())

    tables = extracted(project)
    assert (tables["cycles.parquet"].height, set(tables["recordings.parquet"]["split"])) == (5, {"train", "test"})
    assert list(tables["recordings.parquet"]["diagnosis"].unique().sort()) == [None, "Healthy", "URTI"]
    official = corpora.recordings(KNOWN) | corpora.metadata([*NAMES, corpora.ODD[0]], folds=False)
    project.download(settings("directory", corpora.lay_out(tmp_path / "official", official), expect="full"))
    assert all(table.equals(tables[name]) for name, table in extracted(project).items())


@needs_kagglehub
def test_an_interrupted_archive_is_resumed_by_the_next_run(tmp_path, project, host):
    host.versions[DATASET] = {2: corpora.zipped(tmp_path / "a.zip", of_kaggle()).read_bytes()}
    host.script["archive.zip"] = [behave.good, behave.breaks_off(1000), behave.says(403)]
    given = settings("kaggle", dataset=DATASET, revision=2)
    error = project.refused(given, "could not be fetched")
    assert error.where == f"http://localhost:{host.server_port}/storage/archive.zip?…: HTTP 403 Forbidden"
    assert "https://www.kaggle.com/datasets/vbookshelf/respiratory-sound-database" in error.hint
    project.download(given)
    assert ("storage/archive.zip", "bytes=1000-") in host.asked
    assert not [where for where, _ in host.asked if where.endswith("GetDataset")], "the version is pinned"


@needs_kagglehub
def test_a_copy_in_kagglehub_s_cache_is_used(tmp_path, project, host, monkeypatch):
    place = tmp_path / "home" / "kagglehub" / "datasets" / DATASET
    corpora.lay_out(place / "versions" / "2", of_kaggle())
    host.versions[DATASET] = {2: b""}
    incomplete = project.refused(settings("kaggle", dataset=DATASET), "no dataset")
    (place / "2.complete").touch()
    source = project.download(settings("kaggle", dataset=DATASET))
    assert (source["dataset"]["revision"], source["archive"], source["equal_copies"]) == ("2", None, 10)
    assert incomplete.where == f"params.yaml: dataset: {DATASET}, revision: 2"

    use_kaggle(monkeypatch, "http://127.0.0.1:9")
    error = project.refused(settings("kaggle", dataset=DATASET), "Kaggle cannot be reached: .*Connection refused")
    assert error.hint.startswith("set `revision: 2` (in kagglehub's cache)")
    assert project.download(settings("kaggle", dataset=DATASET, revision="2")) == source


def answers(code: int, **headers: str):
    return lambda handler: handler.answer(code, json.dumps({"code": code, "message": "no"}).encode(), **headers)


@needs_kagglehub
@pytest.mark.parametrize(
    ("behaviour", "what", "hint"),
    [
        (answers(404), f"Kaggle has no dataset `{DATASET}`.", "kaggle.com/datasets/"),
        (answers(403), "refuses your credentials .*HTTP 403", "accept its terms"),
        (answers(429, Retry_After="30"), "HTTP 429 .*, try again in 30 s", "try again later"),
        (answers(503), "HTTP 503", "try again later"),
    ],
    ids=["not found", "refused", "rate limit", "busy"],
)
def test_kaggle_s_refusals_are_told_apart(project, host, behaviour, what, hint):
    host.script["GetDataset"] = [behaviour]
    error = project.refused(settings("kaggle", dataset=DATASET), what)
    assert hint in error.hint
    assert isinstance(error, TransientError) == (hint == "try again later")
    assert not any(secret in str(error) for secret in SECRETS)


@needs_kagglehub
def test_a_silent_kaggle_is_not_waited_for(project, host, monkeypatch):
    monkeypatch.setattr(limits, "ANSWER_S", 0.2)
    released = threading.Event()
    host.script["GetDataset"] = [lambda _: released.wait(60)]
    error = project.refused(settings("kaggle", dataset=DATASET), "cannot be reached: no answer within 0.2 s")
    released.set()
    assert isinstance(error, TransientError)


@needs_kagglehub
def test_a_private_dataset_needs_a_token(project, host, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    host.tokens = {None}
    host.script["GetDataset"] = [answers(403)]
    error = project.refused(settings("kaggle", dataset=DATASET), "has no public dataset .*HTTP 403")
    assert "KAGGLE_API_TOKEN" in error.hint


def test_kaggle_without_its_library(project, monkeypatch):
    monkeypatch.setattr(kaggle, "find_spec", lambda _: None)
    error = project.refused(settings("kaggle", dataset=DATASET), "library kagglehub, which is not installed")
    assert "pip install 'breathline[kaggle]'" in error.hint
    assert "source: archive" in error.hint


@needs_kagglehub
def test_a_page_in_place_of_kaggle_s_archive_is_not_kept(project, host):
    host.versions[DATASET] = {1: b"<html>maintenance"}
    error = project.refused(settings("kaggle", dataset=DATASET), "could not be fetched")
    assert "not a zip archive" in error.where
    assert not list(project.downloads.glob("*.zip"))
