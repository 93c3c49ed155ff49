"""`download` of a dataset on the Hugging Face hub, from a stand-in on loopback."""

import resource
import shutil
from hashlib import sha256

import pytest

from tasks.runtime.errors import TransientError
from tests.unit.tasks.download.project import FULL, NAMES, settings
from tests.unit.tasks.sources import corpora
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.dataset_hosts import COMMIT, DATASET, NEXT, SECRETS

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
