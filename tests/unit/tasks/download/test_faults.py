"""Whatever goes wrong with `download`, the corpus is there whole or not at all."""

import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
import soundfile

from tasks.corpora.icbhi.metadata import DIAGNOSIS_FILE, SPLIT_FILE
from tasks.sources.collection import BrokenArchiveError
from tests.unit.tasks.download.project import FULL, NAMES, settings
from tests.unit.tasks.sources import corpora


def flac() -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, [0.0, 0.1], 4000, format="FLAC")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        pytest.param({f"{NAMES[0]}.txt": None}, f"1 recordings have no annotation: {NAMES[0]}", id="wav alone"),
        pytest.param({f"x/{NAMES[0]}.WAV": b""}, f"Copies of 1 file differ: {NAMES[0]}.wav", id="twins in two folders"),
        pytest.param({"101_x.wav": b""}, "`101_x` is not the name", id="no name of a recording"),
        pytest.param({f"{NAMES[0]}.wav": b"RIFF but no"}, rf"1 recordings .*: {NAMES[0]}.wav \(Format", id="no wav"),
        pytest.param({f"{NAMES[0]}.wav": corpora.wav()[:30]}, f"{NAMES[0]}.wav", id="half a header"),
        pytest.param({f"{NAMES[0]}.wav": flac()}, "this is FLAC", id="flac"),
        pytest.param({f"{NAMES[0]}.wav": corpora.wav(0)}, "no samples", id="no samples"),
        pytest.param({SPLIT_FILE: corpora.metadata(NAMES[1:])[SPLIT_FILE]}, f"not name 1 .*{NAMES[0]}", id="unlisted"),
        pytest.param({DIAGNOSIS_FILE: None}, f"{DIAGNOSIS_FILE} is missing", id="no diagnoses"),
        pytest.param({"a/icbhi_challenge_diagnosis (1).TXT": b"101 COPD"}, "two copies of .* differ", id="two copies"),
        pytest.param({SPLIT_FILE: bytes(5 << 20)}, "the limit is 4,194,304", id="huge metadata"),
        pytest.param({SPLIT_FILE: b"<<<<<<< HEAD\n"}, "merge marker", id="merge marker"),
    ],
)
def test_a_fault_is_named_and_nothing_is_left(tmp_path, project, changes, what):
    files = {Path(name).name: content for name, content in FULL.items()} | changes
    folder = corpora.lay_out(tmp_path / "f", {name: content for name, content in files.items() if content is not None})
    error = project.refused(settings("directory", folder), what)
    assert "staging" not in str(error), "the error names what is gone"


def test_the_old_corpus_stays_until_the_new_one_is_whole(tmp_path, project):
    folder = corpora.lay_out(tmp_path / "f", FULL)
    project.download(settings("directory", folder))
    (folder / "ICBHI_final_database" / f"{NAMES[3]}.wav").write_bytes(b"broken")
    project.refused(settings("directory", folder), NAMES[3])
    assert len(project.names("audio")) == 8

    for suffix in ("wav", "txt"):
        (folder / "ICBHI_final_database" / f"{NAMES[3]}.{suffix}").unlink()
    project.download(settings("directory", folder))
    assert len(project.names("audio")) == 6


def test_a_broken_archive_leaves_nothing(tmp_path, project):
    path = corpora.zipped(tmp_path / "a.zip", FULL, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(corpora.wav()) + 500] ^= 1
    path.write_bytes(data)
    assert isinstance(project.refused(settings("archive", path), "Bad CRC-32"), BrokenArchiveError)


def test_missing_space_is_reported_before_copying(tmp_path, project, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    project.refused(settings("directory", corpora.lay_out(tmp_path / "f", FULL)), "The disk is full")


def process(root: Path, folder: Path, first: str = "pass") -> subprocess.Popen[str]:
    """Start the stage as DVC does, in a project of its own, and before it one line of code."""
    root.mkdir(exist_ok=True)
    section = asdict(settings("directory", folder)) | {"path": str(folder)}
    (root / "params.yaml").write_text(json.dumps({"corpora": {"icbhi": section}}))
    start = "sys.argv = ['', 'icbhi']; runpy.run_module('tasks.download', run_name='__main__')"
    code = f"import resource, runpy, sys, time\n{first}\n{start}"
    return subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    long = {f"ICBHI_final_database/{NAMES[1]}.wav": corpora.wav(400_000)}
    folder = corpora.lay_out(tmp_path / "f", FULL | long)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    running = process(tmp_path / "project", folder, limit)
    said = running.communicate()[1]
    assert running.returncode == 1
    assert f"{NAMES[1]}.wav (the limit of this process is 200.0 kB)" in " ".join(said.split())
    assert "Traceback" not in said
    assert not list((tmp_path / "project" / "data/raw").iterdir())


@pytest.mark.slow
def test_a_killed_process_leaves_no_corpus_that_looks_complete(tmp_path):
    root, folder = tmp_path / "project", corpora.lay_out(tmp_path / "f", FULL)
    # The last moment before the corpus would be whole lasts long enough to be met.
    dawdle = "from tasks.corpora import completeness; completeness.check_headers = lambda *_: time.sleep(60)"
    running = process(root, folder, dawdle)
    deadline = time.monotonic() + 60
    while len(list((root / "data" / "raw" / ".icbhi.staging" / "new").glob("audio/*"))) < 2 * len(NAMES):
        assert time.monotonic() < deadline
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert [path.name for path in (root / "data/raw").iterdir()] == [".icbhi.staging"]

    again = process(root, folder)
    assert "4 recordings: An own corpus" in again.communicate()[1]
    assert [path.name for path in (root / "data/raw").iterdir()] == ["icbhi"]
    assert len(list((root / "data" / "raw" / "icbhi" / "audio").iterdir())) == 2 * len(NAMES)
