"""`download` from mirrors of the official site, by HTTP, from a server that may misbehave."""

import zipfile
from hashlib import sha256

import pytest

from tasks.corpora.icbhi import official_site
from tasks.corpora.icbhi.metadata import FOLDS_FILE, SPLIT_FILE
from tests.unit.tasks.download.project import NAMES, settings
from tests.unit.tasks.sources import corpora
from tests.unit.tasks.sources import server as behave


@pytest.mark.slow
def test_the_official_site_by_http(project, server, tmp_path):
    zipped = corpora.zipped(tmp_path / "a.zip", corpora.recordings(NAMES)).read_bytes()
    server.files = {"ICBHI_final_database.zip": zipped} | corpora.metadata(NAMES, folds=False)
    server.script["ICBHI_final_database.zip"] = [behave.breaks_off(1000)]
    # The first mirror is in maintenance, and says so with a page instead of the split file.
    server.script[SPLIT_FILE] = [behave.says(200)]
    folds = corpora.lay_out(tmp_path / "folds", {FOLDS_FILE: b"101 0\n"})
    given = settings("publisher", mirrors=[server.url("a"), server.url("b/")], metadata=folds)
    source = project.download(given)
    assert ("ICBHI_final_database.zip", "bytes=1000-") in server.asked
    assert [name for name, _ in server.asked].count(SPLIT_FILE) == 2
    assert FOLDS_FILE not in [name for name, _ in server.asked]
    digest = sha256(zipped).hexdigest()
    assert source["archive"] == {"name": "ICBHI_final_database.zip", "sha256": digest, "bytes": len(zipped)}
    assert project.names("metadata") == sorted(corpora.metadata(NAMES))
    assert not project.downloads.exists()


def test_only_an_intact_archive_is_kept(project, server, tmp_path):
    name = "ICBHI_final_database.zip"
    sound = corpora.zipped(tmp_path / "a.zip", corpora.recordings(NAMES), zipfile.ZIP_STORED).read_bytes()
    broken = bytearray(sound)
    broken[500] ^= 1
    server.files = {name: bytes(broken)} | corpora.metadata(NAMES)
    given = settings("publisher", mirrors=[server.url()])
    project.refused(given, "Bad CRC-32")
    assert not (project.downloads / name).exists()

    server.files[name] = sound
    project.refused(settings("publisher", mirrors=[server.url()], exclude_patients=["110"]), "no patient 110")
    asked = len(server.asked)
    project.download(given)
    assert len(server.asked) == asked, "what was fetched is used"


def test_without_a_mirror_the_official_site_is_asked(project, server, monkeypatch):
    monkeypatch.setattr(official_site, "SITE", (server.url("site/"),))
    error = project.refused(settings("publisher", mirrors=[]), "could not be fetched")
    assert f"{server.url('site/')}{SPLIT_FILE}: HTTP 404 Not Found" in str(error)


def test_a_file_on_no_mirror_is_an_error(project, server):
    error = project.refused(settings("publisher", mirrors=[server.url("a/"), server.url("b/")]), "could not be fetched")
    for mirror in ("a/", "b/"):
        assert f"{server.url(mirror)}{SPLIT_FILE}: HTTP 404 Not Found" in str(error)
