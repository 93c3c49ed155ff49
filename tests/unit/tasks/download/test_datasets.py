"""`download` of datasets on Kaggle and the Hugging Face hub, from a stand-in of both on loopback."""

import json
import resource
import shutil
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from tasks.corpora.icbhi.metadata import FOLDS_FILE, SPLIT_FILE
from tasks.extract import extract
from tasks.runtime.errors import TransientError
from tasks.sources import http, kaggle, limits, many
from tasks.sources.retries import RetryPolicy
from tests.unit.tasks.download.project import FULL, NAMES, Project, publish, settings
from tests.unit.tasks.sources import corpora
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.dataset_hosts import COMMIT, DATASET, NEXT, SECRETS, stand_in, use_kaggle
from tests.unit.tasks.sources.server import Server

TOPS = ("Respiratory_Sound_Database", "respiratory_sound_database")
KNOWN = [*NAMES, corpora.ODD[1]]
needs_kagglehub = pytest.mark.skipif("not __import__('importlib').util.find_spec('kagglehub')", reason="no kagglehub")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for module in (http, many):
        monkeypatch.setattr(module, "RetryPolicy", lambda: RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.02))
    with stand_in(monkeypatch, tmp_path / "home") as server:
        yield server


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(KNOWN, tmp_path / "known.tsv", monkeypatch)


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
    host.script["GetDataset"] = [lambda _: released.wait(10)]
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


FILES = {f"data/{name}": content for name, content in FULL.items()}
CLUTTER = {"README.md": b"# ICBHI", ".gitattributes": b"", "data/spectrograms.npz": bytes(99)}


def test_files_of_the_hub_are_fetched_at_one_commit(tmp_path, project, host, caplog, capfd):
    caplog.set_level("INFO")
    host.commits = {COMMIT: FILES | CLUTTER, NEXT: {}}
    wav = sha256(corpora.wav()).hexdigest()
    host.script[wav] = [behave.breaks_off(1000)]
    source = project.download(settings("hub", dataset=DATASET))
    assert source["dataset"] == {"name": DATASET, "revision": COMMIT}
    assert (source["recordings"], source["archive"], source["other_files"]) == (4, None, 0)
    assert "2 other files of the dataset: not fetched (README.md, data/spectrograms.npz)" in caplog.text
    assert f"to pin it, set `revision: {COMMIT}`" in caplog.text
    assert [where for where, _ in host.asked].count(f"storage/{wav}") == 2, "equal files are fetched once"
    assert (f"storage/{wav}", "bytes=1000-") in host.asked
    others = [where for where, _ in host.asked if not where.startswith(("datasets/", "storage/"))]
    assert others == [f"api/datasets/{DATASET}"], "no telemetry, and nothing twice"
    assert not any(where.endswith(("README.md", ".npz")) for where, _ in host.asked)
    assert not project.downloads.exists()
    for told in (*SECRETS, "HTTP Request"):
        assert told not in caplog.text + "".join(capfd.readouterr())

    folder = project.download(settings("directory", corpora.lay_out(tmp_path / "folder", FILES)))
    assert folder | {"source": "hub", "dataset": source["dataset"]} == source
    host.branches["main"] = NEXT
    assert project.download(settings("hub", dataset=DATASET, revision=COMMIT)) == source


def test_a_zip_on_the_hub_with_metadata_beside_it(tmp_path, project, host):
    zipped = corpora.zipped(tmp_path / "a.zip", corpora.recordings(NAMES)).read_bytes()
    host.commits[COMMIT] = {"ICBHI_final_database.zip": zipped} | corpora.metadata(NAMES)
    source = project.download(settings("hub", dataset=DATASET, revision="main"))
    assert (source["recordings"], source["dataset"]["revision"]) == (4, COMMIT)
    assert source["archive"] == {
        "name": "ICBHI_final_database.zip",
        "sha256": sha256(zipped).hexdigest(),
        "bytes": len(zipped),
    }
    assert project.names("metadata") == sorted(corpora.metadata(NAMES))


def test_the_hub_s_cache_is_used_and_kept(tmp_path, project, host, monkeypatch):
    from huggingface_hub import constants

    host.commits[COMMIT] = FILES
    place = tmp_path / "home" / "hub" / f"datasets--{DATASET.replace('/', '--')}"
    recordings = {name: content for name, content in FILES.items() if name.endswith(".wav")}
    corpora.lay_out(place / "snapshots" / COMMIT, recordings)
    source = project.download(settings("hub", dataset=DATASET, revision=COMMIT))
    assert not [where for where, _ in host.asked if where.startswith("storage/")], "the recordings are in the cache"
    corpora.lay_out(place / "snapshots" / COMMIT, FILES)
    corpora.lay_out(place / "refs", {"main": COMMIT.encode()})

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    error = project.refused(settings("hub", dataset=DATASET), "hub cannot be reached")
    assert error.hint.startswith("set HF_HUB_OFFLINE=1 to use the copy in the hub's cache")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert project.download(settings("hub", dataset=DATASET)) == source
    assert len(list((place / "snapshots" / COMMIT).rglob("*.wav"))) == len(NAMES)
    shutil.rmtree(place)
    assert "unset HF_HUB_OFFLINE" in project.refused(settings("hub", dataset=DATASET), "not complete in").hint


def test_a_full_disk_keeps_what_came(project, host):
    host.commits[COMMIT] = FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        error = project.refused(settings("hub", dataset=DATASET), "exceed the largest size that is allowed")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ".checkpoints/download" in str(error.where)
    project.download(settings("hub", dataset=DATASET))
    assert (f"storage/{sha256(corpora.wav()).hexdigest()}", "bytes=1000-") in host.asked


@pytest.mark.parametrize(
    ("files", "what", "hint"),
    [
        ({"data/train-00000-of-00001.parquet": b"PAR1"}, "in Parquet tables", "write recordings and annotations"),
        ({"a.zip": b"", "b.zip": b""}, "holds 2 zip archives", "set `source: archive`"),
        ({"README.md": b""}, "neither recordings .* nor a zip", "files: README.md"),
        ({"x.zip": b"no"}, "not a zip archive", "fetch the archive again"),
    ],
    ids=["parquet", "two zips", "no data", "no zip"],
)
def test_what_a_dataset_of_the_hub_must_hold(project, host, files, what, hint):
    host.commits[COMMIT] = files
    assert hint in project.refused(settings("hub", dataset=DATASET), what).hint


@pytest.mark.parametrize(
    ("behaviour", "what", "hint"),
    [
        (behave.says(404, X_Error_Code="RepoNotFound"), "has no dataset .*, or it is private", "hf auth login"),
        (behave.says(403, X_Error_Code="GatedRepo"), "only to users who have accepted its terms", "HF_TOKEN"),
        (behave.says(404, X_Error_Code="RevisionNotFound"), "no such revision", "correct `dataset` and `revision`"),
        (
            behave.says(401, X_Error_Message="Invalid credentials in Authorization header"),
            "refuses your token",
            "valid token",
        ),
        (behave.says(429, RateLimit='"api";r=0;t=55'), "HTTP 429 .*, try again in 55 s", "try again later"),
        (behave.says(500), "HTTP 500", "try again later"),
    ],
    ids=["not found", "gated", "revision", "token", "rate limit", "busy"],
)
def test_the_hub_s_refusals_are_told_apart(project, host, behaviour, what, hint):
    host.script["respiratory-sound-database"] = [behaviour]
    error = project.refused(settings("hub", dataset=DATASET), what)
    assert hint in error.hint
    assert isinstance(error, TransientError) == ("try again later" in hint)
    assert not any(secret in str(error) for secret in SECRETS)


@pytest.mark.slow
def test_files_that_are_not_those_of_the_commit_are_refused(project, host, monkeypatch):
    host.commits[COMMIT] = FILES
    longer, other = corpora.wav() + b"\0", bytes(len(corpora.wav()))
    wav = sha256(corpora.wav()).hexdigest()
    for content, what in ((longer, "larger than the"), (other, "another hash than at the commit")):
        host.script[wav] = [lambda handler, content=content: handler.answer(200, content)]
        error = project.refused(settings("hub", dataset=DATASET), "could not be fetched")
        assert what in error.where
    monkeypatch.setenv("BREATHLINE_DOWNLOAD_GB", "0.000001")
    assert "BREATHLINE_DOWNLOAD_GB" in project.refused(settings("hub", dataset=DATASET), "exceed the limit").where
    monkeypatch.setenv("BREATHLINE_DOWNLOAD_GB", "1")
    monkeypatch.setenv("BREATHLINE_DOWNLOAD_HOURS", "0.0001")
    host.script[wav] = [behave.stalls(1000, 2)]
    assert "within the limit" in project.refused(settings("hub", dataset=DATASET), "bytes came").what
    monkeypatch.delenv("BREATHLINE_DOWNLOAD_HOURS")
    assert project.download(settings("hub", dataset=DATASET))["recordings"] == 4
