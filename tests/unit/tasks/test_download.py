"""The stage `download`: what it brings, and that it brings it whole or not at all."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tasks import download as stage
from tasks import params
from tasks.errors import BreathlineError
from tasks.icbhi.metadata import DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE
from tasks.sources.collection import BrokenArchiveError
from tasks.sources.settings import DemoSettings, DownloadSettings
from tests.unit.tasks.sources import corpora
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.server import Server

NAMES = corpora.NAMES
FULL = corpora.recordings(NAMES) | corpora.metadata(NAMES)
WHOLE = corpora.many(919)


def settings(source: str, path: Path | None = None, **changes: Any) -> DownloadSettings:
    given = {"metadata": None, "expect": "partial", "sha256": None, "mirrors": ["http://127.0.0.1:9/"]}
    given |= {"exclude_patients": [], **changes}
    return DownloadSettings(source=source, path=path, demo=DemoSettings(seed=1, patients=4), **given)  # type: ignore[arg-type]


class Project:
    """A project's folder, in which the stage is run."""

    def __init__(self, root: Path) -> None:
        self.raw, self.downloads = root / "data" / "raw", root / ".checkpoints" / "download"

    def download(self, settings: DownloadSettings) -> dict[str, Any]:
        stage.download(settings, self.raw, self.downloads)
        assert [path.name for path in self.raw.parent.iterdir()] == ["raw"]
        source: dict[str, Any] = json.loads((self.raw / "source.json").read_text())
        return source

    def refused(self, settings: DownloadSettings, what: str) -> BreathlineError:
        before = sorted(self.raw.parent.rglob("*")) if self.raw.exists() else []
        with pytest.raises(BreathlineError, match=what) as error:
            stage.download(settings, self.raw, self.downloads)
        assert sorted(self.raw.parent.rglob("*")) == before, "something was left behind"
        return error.value

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.raw / folder).iterdir())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with behave.serving() as server:
        yield server


def test_an_archive_and_a_folder_bring_the_same(tmp_path: Path, project: Project) -> None:
    clutter = {"__MACOSX/ICBHI_final_database/._101_1b1_Al_sc_Meditron.wav": b"fork", "x/.DS_Store": b"", "README": b""}
    files = FULL | clutter
    zipped = corpora.zipped(tmp_path / "part.zip", files)
    brought = []
    for given in (settings("archive", zipped), settings("directory", corpora.lay_out(tmp_path / "folder", files))):
        brought.append(project.download(given))
        assert project.names("audio") == sorted(f"{name}.{suffix}" for name in NAMES for suffix in ("wav", "txt"))
        assert project.names("metadata") == sorted(corpora.metadata(NAMES))
        assert (project.raw / "metadata" / SPLIT_FILE).read_bytes() == FULL[SPLIT_FILE]
        assert (project.raw / "audio" / f"{NAMES[0]}.wav").read_bytes() == corpora.wav()
    data = zipped.read_bytes()
    assert brought[0] | {"archive": None, "source": "directory"} == brought[1]
    assert brought[0]["archive"] == {"name": "part.zip", "sha256": sha256(data).hexdigest(), "bytes": len(data)}
    assert brought[0]["other_files"] == 3
    assert (brought[0]["recordings"], brought[0]["missing"], brought[0]["corpus"]) == (4, [], "icbhi-part")


def test_the_whole_database_with_its_one_wrong_name(tmp_path: Path, project: Project) -> None:
    in_split, in_truth = corpora.ODD
    files = corpora.recordings([*WHOLE, in_truth]) | corpora.metadata([*WHOLE, in_split])
    source = project.download(settings("archive", corpora.zipped(tmp_path / "a.zip", files), expect="full"))
    assert (source["corpus"], source["recordings"], source["missing"]) == ("icbhi", 920, [])
    assert source["corrections"] == [{"name_in_split": in_split, "recording_id": in_truth}]


@pytest.mark.parametrize(("there", "what"), [(918, f"1 recordings .* no audio: {WHOLE[918]}"), (919, "ICBHI has 920")])
def test_a_full_corpus_is_complete(tmp_path: Path, project: Project, there: int, what: str) -> None:
    folder = corpora.lay_out(tmp_path / "f", corpora.recordings(WHOLE[:there]) | corpora.metadata(WHOLE))
    error = project.refused(settings("directory", folder, expect="full"), what)
    assert "download.expect: partial" in str(error)


def test_a_part_is_counted_and_named(tmp_path: Path, project: Project, caplog: pytest.LogCaptureFixture) -> None:
    files = corpora.recordings(NAMES[:2]) | corpora.metadata(NAMES)
    alone = f"ICBHI_final_database/{NAMES[2]}.txt"
    folder = corpora.lay_out(tmp_path / "f", files | {alone: corpora.ANNOTATION})
    source = project.download(settings("directory", folder))
    assert (source["missing"], source["annotations_without_recording"]) == (sorted(NAMES[2:]), 1)
    assert f"{NAMES[2]}.txt" not in project.names("audio")
    assert f"2 recordings of the split file have no audio: {NAMES[2]}, {NAMES[3]}" in caplog.text
    project.refused(settings("directory", folder, expect="full"), f"1 annotations have no recording: {NAMES[2]}")


def truncated_header() -> bytes:
    return corpora.wav()[:30]


def flac() -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, [0.0, 0.1], 4000, format="FLAC")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        pytest.param({f"{NAMES[0]}.txt": None}, f"1 recordings have no annotation: {NAMES[0]}", id="wav alone"),
        pytest.param({f"x/{NAMES[0]}.WAV": b""}, f"Two files have one name, {NAMES[0]}", id="twins in two folders"),
        pytest.param({"101_x.wav": b""}, "`101_x` is no name", id="no name of a recording"),
        pytest.param({f"{NAMES[0]}.wav": b"RIFF but no"}, rf"1 recordings .*: {NAMES[0]}.wav \(Format", id="no wav"),
        pytest.param({f"{NAMES[0]}.wav": truncated_header()}, f"{NAMES[0]}.wav", id="half a header"),
        pytest.param({f"{NAMES[0]}.wav": flac()}, "this is FLAC", id="flac"),
        pytest.param({f"{NAMES[0]}.wav": corpora.wav(0)}, "no samples", id="no samples"),
        pytest.param({SPLIT_FILE: corpora.metadata(NAMES[1:])[SPLIT_FILE]}, f"not name 1 .*{NAMES[0]}", id="unlisted"),
        pytest.param({DIAGNOSIS_FILE: None}, f"{DIAGNOSIS_FILE} is nowhere", id="no diagnoses"),
        pytest.param({"a/icbhi_challenge_diagnosis (1).TXT": b"101 COPD"}, "two copies of .* differ", id="two copies"),
        pytest.param({SPLIT_FILE: bytes(5 << 20)}, "too many for a metadata file", id="huge metadata"),
        pytest.param({SPLIT_FILE: b"<<<<<<< HEAD\n"}, "merge marker", id="merge marker"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_left(
    tmp_path: Path, project: Project, changes: dict[str, bytes | None], what: str
) -> None:
    files = {Path(name).name: content for name, content in FULL.items()} | changes
    folder = corpora.lay_out(tmp_path / "f", {name: content for name, content in files.items() if content is not None})
    error = project.refused(settings("directory", folder), what)
    assert "staging" not in str(error), "the error names what is gone"


@pytest.mark.parametrize("place", ["inside", "beside", "named"])
def test_metadata_are_found_under_any_name_in_any_place(tmp_path: Path, project: Project, place: str) -> None:
    variants = dict(
        zip(
            ["icbhi_challenge_train_test (1).txt", "patient_diagnosis.csv", "DEMOGRAPHIC_INFO.TXT"],
            corpora.metadata(NAMES, folds=False).values(),
            strict=True,
        )
    )
    inside = corpora.recordings(NAMES) | (variants if place == "inside" else {})
    path = corpora.zipped(tmp_path / "a.zip", inside)
    if place != "inside":
        corpora.lay_out(tmp_path if place == "beside" else tmp_path / "named", variants)
    source = project.download(settings("archive", path, metadata=tmp_path / "named" if place == "named" else None))
    for name, content in corpora.metadata(NAMES, folds=False).items():
        assert (project.raw / "metadata" / name).read_bytes() == content
        assert source["metadata"][name] == sha256(content).hexdigest()
    assert source["metadata"][FOLDS_FILE] is None


def test_named_metadata_go_before_those_of_the_source(tmp_path: Path, project: Project) -> None:
    named = corpora.lay_out(tmp_path / "named", {DIAGNOSIS_FILE: b"101 COPD\n"})
    corpora.lay_out(tmp_path, {DIAGNOSIS_FILE: b"101 Asthma\n"})
    project.download(settings("archive", corpora.zipped(tmp_path / "a.zip", FULL), metadata=named))
    assert (project.raw / "metadata" / DIAGNOSIS_FILE).read_bytes() == b"101 COPD\n"
    project.refused(settings("archive", tmp_path / "a.zip", metadata=tmp_path / "nowhere"), "no such folder")


def test_the_old_corpus_stays_until_the_new_one_is_whole(tmp_path: Path, project: Project) -> None:
    folder = corpora.lay_out(tmp_path / "f", FULL)
    project.download(settings("directory", folder))
    (folder / "ICBHI_final_database" / f"{NAMES[3]}.wav").write_bytes(b"broken")
    project.refused(settings("directory", folder), NAMES[3])
    assert len(project.names("audio")) == 8

    for suffix in ("wav", "txt"):
        (folder / "ICBHI_final_database" / f"{NAMES[3]}.{suffix}").unlink()
    project.download(settings("directory", folder))
    assert len(project.names("audio")) == 6


def test_a_broken_archive_leaves_nothing(tmp_path: Path, project: Project) -> None:
    path = corpora.zipped(tmp_path / "a.zip", FULL, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(corpora.wav()) + 500] ^= 1
    path.write_bytes(data)
    assert isinstance(project.refused(settings("archive", path), "Bad CRC-32"), BrokenArchiveError)


def test_no_room_is_known_beforehand(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    project.refused(settings("directory", corpora.lay_out(tmp_path / "f", FULL)), "and 100 are free")


def process(root: Path, folder: Path, first: str = "pass") -> subprocess.Popen[str]:
    """Start the stage as DVC does, in a project of its own, and before it one line of code."""
    root.mkdir(exist_ok=True)
    section = {"source": "directory", "path": str(folder), "metadata": None, "expect": "partial", "sha256": None}
    section |= {"mirrors": [], "exclude_patients": [], "demo": {"seed": 1, "patients": 2}}
    (root / "params.yaml").write_text(json.dumps({"download": section}))
    code = f"import resource, runpy, time\n{first}\nrunpy.run_module('tasks.download', run_name='__main__')"
    return subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE, text=True)


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    long = {f"ICBHI_final_database/{NAMES[1]}.wav": corpora.wav(400_000)}
    folder = corpora.lay_out(tmp_path / "f", FULL | long)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    running = process(tmp_path / "project", folder, limit)
    said = running.communicate()[1]
    assert running.returncode == 1
    assert "File too large" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "project" / "data").iterdir())


def test_a_killed_process_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    root, folder = tmp_path / "project", corpora.lay_out(tmp_path / "f", FULL)
    # The last moment before the corpus would be whole lasts long enough to be met.
    dawdle = "from tasks.sources import completeness; completeness.check_headers = lambda *_: time.sleep(60)"
    running = process(root, folder, dawdle)
    deadline = time.monotonic() + 60
    while len(list((root / "data" / ".raw.staging" / "new").glob("audio/*"))) < 2 * len(NAMES):
        assert time.monotonic() < deadline
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert [path.name for path in (root / "data").iterdir()] == [".raw.staging"]

    again = process(root, folder)
    assert "4 recordings: icbhi-part" in again.communicate()[1]
    assert [path.name for path in (root / "data").iterdir()] == ["raw"]
    assert len(list((root / "data" / "raw" / "audio").iterdir())) == 2 * len(NAMES)


def test_the_official_site_by_http(project: Project, server: Server, tmp_path: Path) -> None:
    zipped = corpora.zipped(tmp_path / "a.zip", corpora.recordings(NAMES)).read_bytes()
    server.files = {"ICBHI_final_database.zip": zipped} | corpora.metadata(NAMES, folds=False)
    server.script["ICBHI_final_database.zip"] = [behave.breaks_off(1000)]
    # The first mirror is in maintenance, and says so with a page instead of the split file.
    server.script[SPLIT_FILE] = [behave.says(200)]
    folds = corpora.lay_out(tmp_path / "folds", {FOLDS_FILE: b"101 0\n"})
    given = settings("icbhi", mirrors=[server.url("a"), server.url("b/")], metadata=folds)
    source = project.download(given)
    assert ("ICBHI_final_database.zip", "bytes=1000-") in server.asked
    assert [name for name, _ in server.asked].count(SPLIT_FILE) == 2
    assert FOLDS_FILE not in [name for name, _ in server.asked]
    assert source["archive"] == {
        "name": "ICBHI_final_database.zip",
        "sha256": sha256(zipped).hexdigest(),
        "bytes": len(zipped),
    }
    assert project.names("metadata") == sorted(corpora.metadata(NAMES))
    assert not project.downloads.exists()


def test_a_broken_archive_by_http_is_not_kept_and_a_sound_one_is(
    project: Project, server: Server, tmp_path: Path
) -> None:
    name = "ICBHI_final_database.zip"
    sound = corpora.zipped(tmp_path / "a.zip", corpora.recordings(NAMES), zipfile.ZIP_STORED).read_bytes()
    broken = bytearray(sound)
    broken[500] ^= 1
    server.files = {name: bytes(broken)} | corpora.metadata(NAMES)
    given = settings("icbhi", mirrors=[server.url()])
    project.refused(given, "Bad CRC-32")
    assert not (project.downloads / name).exists()

    server.files[name] = sound
    project.refused(settings("icbhi", mirrors=[server.url()], expect="full"), "ICBHI has 920")
    asked = len(server.asked)
    project.download(given)
    assert len(server.asked) == asked, "what was fetched is used"


def test_no_mirror_has_it(project: Project, server: Server) -> None:
    error = project.refused(settings("icbhi", mirrors=[server.url("a/"), server.url("b/")]), "could not be fetched")
    for mirror in ("a/", "b/"):
        assert f"{server.url(mirror)}{SPLIT_FILE}: HTTP 404 Not Found" in str(error)


def test_the_demo_is_whole_and_takes_the_same_way(project: Project) -> None:
    source = project.download(settings("demo", expect="full"))
    assert (source["corpus"], source["archive"], source["missing"]) == ("demo", None, [])
    assert len(project.names("audio")) == 2 * source["recordings"]
    assert FOLDS_FILE in project.names("metadata")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"source": "archive"}, "path"),
        ({"source": "directory"}, "path"),
        ({"source": "demo", "path": "x.zip"}, "path"),
        ({"source": "icbhi", "path": "x.zip"}, "path"),
        ({"source": "icbhi", "mirrors": []}, "mirrors"),
        ({"source": "icbhi", "mirrors": ["ftp://example.org/"]}, "mirrors"),
        ({"source": "demo", "sha256": "0" * 64}, "sha256"),
        ({"source": "icbhi", "sha256": "123"}, "sha256"),
        ({"source": "demo", "metadata": "x"}, "metadata"),
        ({"source": "elsewhere"}, "source"),
        ({"exclude_patients": [101, 101]}, "exclude_patients"),
        ({"sauce": "demo"}, "sauce"),
    ],
)
def test_settings_that_do_not_go_together_name_the_key(changes: dict[str, Any], key: str) -> None:
    section = params.section(params.read(Path(__file__).parents[3] / "params.yaml"), "download")
    plain = {"source": "demo", "path": None, "metadata": None, "sha256": None}
    assert params.parse(DownloadSettings, section | plain, "download").source == "demo"
    with pytest.raises(BreathlineError, match=rf"download\.{key}"):
        params.parse(DownloadSettings, section | plain | changes, "download")


@pytest.mark.real
def test_the_real_recordings_are_a_part(real_icbhi: Path, tmp_path: Path, project: Project) -> None:
    subprocess.run([sys.executable, real_icbhi / "unpack.py", tmp_path / "real", "--zip"], check=True)
    path = tmp_path / "real" / "ICBHI_final_database.zip"
    source = project.download(settings("archive", path))
    assert (source["corpus"], source["recordings"], len(source["missing"])) == ("icbhi-part", 165, 755)
    assert source["corrections"] == [{"name_in_split": corpora.ODD[0], "recording_id": corpora.ODD[1]}]
    for wav in (tmp_path / "real" / "ICBHI_final_database").glob("*.wav"):
        assert sha256((project.raw / "audio" / wav.name).read_bytes()).digest() == sha256(wav.read_bytes()).digest()
    project.refused(settings("archive", path, expect="full"), "755 recordings of the split file have no audio")
