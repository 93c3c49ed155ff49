"""State of a source: folders and archives on the disk, and mirrors on loopback."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.new_recordings import source_state
from tasks.artifacts import CorpusFolders
from tasks.corpora.settings import DownloadSettings
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources import limits
from tests.unit.tasks.download.project import settings
from tests.unit.tasks.sources.dataset_hosts import COMMIT, DATASET, NEXT, stand_in
from tests.unit.tasks.sources.server import sends_headers_slowly

ICBHI = CorpusFolders("training", "icbhi")


def inspect(root: Path, given: DownloadSettings) -> list[str]:
    """Look, remember, and return what has changed since the last look."""
    before = source_state.read(root, ICBHI, given)
    now = source_state.inspect(root, given, before)
    source_state.save(root, ICBHI, given, now)
    return source_state.changes(before, now)


@pytest.fixture
def corpus(tmp_path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "part").mkdir(parents=True)
    for name in ("101_a.wav", "101_a.txt", "part/102_b.wav"):
        (folder / name).write_text(name)
    return folder


def test_new_missing_and_changed_files_of_a_folder_are_found_and_not_those_that_were_touched(tmp_path, corpus):
    given = settings("directory", Path("corpus"))
    assert inspect(tmp_path, given) == ["new: 101_a.txt", "new: 101_a.wav", "new: part/102_b.wav"]
    assert inspect(tmp_path, given) == []
    os.utime(corpus / "101_a.wav", (1, 1))
    (corpus / "101_a.txt").write_text("other words")
    (corpus / "part" / "102_b.wav").rename(corpus / "part" / "103_c.wav")
    assert inspect(tmp_path, given) == ["changed: 101_a.txt", "missing: part/102_b.wav", "new: part/103_c.wav"]
    assert inspect(tmp_path, given) == []


def test_a_file_with_equal_size_and_time_is_not_read_again(tmp_path, corpus):
    given = settings("directory", corpus)
    first = source_state.inspect(tmp_path, given, {})
    file = corpus / "101_a.wav"
    time = file.stat()
    file.write_text("same size")
    os.utime(file, ns=(time.st_atime_ns, time.st_mtime_ns))
    assert source_state.changes(first, source_state.inspect(tmp_path, given, first)) == []
    assert source_state.changes(first, source_state.inspect(tmp_path, given, {})) == ["changed: 101_a.wav"]


def test_metadata_beside_the_source_counts_and_other_files_there_do_not(tmp_path, corpus):
    given = settings("directory", corpus)
    inspect(tmp_path, given)
    (tmp_path / "notes.txt").write_text("nothing")
    split = tmp_path / "ICBHI_challenge_train_test.txt"
    split.write_text("101_a train")
    assert inspect(tmp_path, given) == [f"new: {split}"]


def test_an_archive_is_one_file_and_another_source_is_all_new(tmp_path, corpus):
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"zip")
    given = settings("archive", archive)
    assert inspect(tmp_path, given) == ["new: the archive"]
    archive.write_bytes(b"another")
    assert inspect(tmp_path, given) == ["changed: the archive"]
    assert len(inspect(tmp_path, settings("directory", corpus))) == 3
    now = source_state.inspect(tmp_path, given, {})
    newest = archive.stat().st_mtime
    assert source_state.quiet_s(now, newest + 5) == pytest.approx(5, abs=1e-3)


def test_corpora_with_a_source_are_watched_each_with_a_state_of_its_own(tmp_path, corpus):
    demo, local = (
        {"format": "demo", "source": "publisher"},
        {"format": "icbhi", "source": "directory", "path": "corpus"},
    )
    read = {
        "corpora": {"demo": demo, "icbhi": {"format": "icbhi", "source": "publisher"}},
        "external": {"clinic": local},
    }
    found = source_state.watched(read)
    assert list(found) == [ICBHI, CorpusFolders("external", "clinic")]
    with pytest.raises(BreathlineError, match="No corpus has a source to watch: demo"):
        source_state.watched({"corpora": {"demo": demo}, "external": {}})
    clinic = CorpusFolders("external", "clinic")
    assert len(inspect(tmp_path, settings("directory", corpus))) == 3
    assert source_state.read(tmp_path, clinic, found[clinic]) == {}
    source_state.save(tmp_path, clinic, found[clinic], source_state.inspect(tmp_path, found[clinic], {}))
    assert inspect(tmp_path, settings("directory", corpus)) == []
    assert len(source_state.read(tmp_path, clinic, found[clinic])) == 3


def test_the_state_of_an_earlier_version_counts_as_none_and_a_torn_one_is_refused(tmp_path, corpus):
    (tmp_path / source_state.STATE).parent.mkdir()
    (tmp_path / source_state.STATE).write_text('{"source": {}, "files": {}}')
    assert len(inspect(tmp_path, settings("directory", corpus))) == 3
    (tmp_path / source_state.STATE).write_text('{"corpora": {"icbhi": 3}}')
    with pytest.raises(BreathlineError, match="The last state cannot be read"):
        inspect(tmp_path, settings("directory", corpus))


def test_a_missing_source_is_refused(tmp_path):
    with pytest.raises(BreathlineError, match="is missing"):
        source_state.inspect(tmp_path, settings("directory", tmp_path / "none"), {})


class Mirror(ThreadingHTTPServer):
    """A server of headers: what it says of every file, whether it knows HEAD, and with what status it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers: dict[str, str] = {"ETag": '"1"', "Content-Length": "7"}
        self.status, self.head, self.slow = 200, True, False
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_HEAD(self) -> None:
        if self.server.slow:
            sends_headers_slowly(self)
            return
        self._answer(self.server.status if self.server.head else 405)

    def do_GET(self) -> None:
        self._answer(self.server.status)
        self.wfile.write(b"content")

    def _answer(self, status: int) -> None:
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirrors() -> Iterator[list[Mirror]]:
    servers = [Mirror(), Mirror()]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_a_new_archive_is_found_by_the_mirrors_marks_with_and_without_head(tmp_path, mirrors):
    given = settings("publisher", mirrors=(mirrors[0].url,))
    assert len(inspect(tmp_path, given)) == 4
    mirrors[0].head = False
    assert inspect(tmp_path, given) == []
    mirrors[0].headers["ETag"] = '"2"'
    assert len(inspect(tmp_path, given)) == 4
    mirrors[0].headers = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "Content-Length": "7"}
    inspect(tmp_path, given)
    mirrors[0].headers["Last-Modified"] = "Tue, 02 Jan 2024 00:00:00 GMT"
    assert "changed: ICBHI_final_database.zip" in inspect(tmp_path, given)


@pytest.mark.slow
def test_two_mirrors_marks_are_not_compared_but_their_sizes_are(tmp_path, mirrors):
    given = settings("publisher", mirrors=tuple(mirror.url for mirror in mirrors))
    mirrors[1].headers["ETag"] = '"its own"'
    inspect(tmp_path, given)
    mirrors[0].status = 404
    assert inspect(tmp_path, given) == []
    mirrors[0].status = 200  # back again; the one of the last time is asked first
    assert inspect(tmp_path, given) == []
    mirrors[1].status = 404
    mirrors[0].headers["Content-Length"] = "8"
    assert len(inspect(tmp_path, given)) == 4


@pytest.mark.slow
def test_a_busy_server_is_a_transient_error_and_one_without_marks_is_not(tmp_path, mirrors):
    given = settings("publisher", mirrors=(mirrors[0].url,))
    mirrors[0].status = 503
    with pytest.raises(TransientError, match="503"):
        source_state.inspect(tmp_path, given, {})
    mirrors[0].status, mirrors[0].headers = 200, {}
    with pytest.raises(BreathlineError, match="neither ETag") as caught:
        source_state.inspect(tmp_path, given, {})
    assert not isinstance(caught.value, TransientError)


@pytest.mark.slow
def test_headers_that_never_end_are_not_waited_for(tmp_path, mirrors, monkeypatch):
    monkeypatch.setattr(limits, "ANSWER_S", 0.3)
    mirrors[0].slow = True
    given = settings("publisher", mirrors=(mirrors[0].url,))
    with pytest.raises(TransientError, match=r"no complete answer within 0\.3 s"):
        source_state.inspect(tmp_path, given, {})


def test_a_new_revision_of_a_dataset_is_found(tmp_path, monkeypatch):
    with stand_in(monkeypatch, tmp_path) as host:
        host.commits |= {COMMIT: {}, NEXT: {}}
        given, pinned = settings("hub", dataset=DATASET), settings("hub", dataset=DATASET, revision=COMMIT)
        assert inspect(tmp_path, given) == [f"new: {DATASET}"]
        host.branches["main"] = NEXT
        asked = len(host.asked)
        assert inspect(tmp_path, pinned) == []
        assert len(host.asked) == asked, "a commit does not change"
        assert inspect(tmp_path, given) == [f"changed: {DATASET}"]
        pytest.importorskip("kagglehub")
        host.versions[DATASET] = {1: b"", 2: b""}
        assert inspect(tmp_path, settings("kaggle", dataset=DATASET)) == [f"new: {DATASET}"]
        assert inspect(tmp_path, settings("kaggle", dataset=DATASET, revision=2)) == []
        host.versions[DATASET][3] = b""
        assert inspect(tmp_path, settings("kaggle", dataset=DATASET)) == [f"changed: {DATASET}"]
