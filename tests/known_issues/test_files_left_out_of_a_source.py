"""Files of a source that were left out silently or counted wrongly: links, files of the system, pointers."""

import os
import tempfile
from pathlib import Path

import pytest

from flows.new_recordings import source_state
from flows.recipes import corpus
from tasks.prediction import recordings
from tasks.runtime.errors import BreathlineError
from tasks.sources import folder_walk
from tests.other_user import NOBODY
from tests.unit.tasks.download.project import FULL, NAMES, Project, settings
from tests.unit.tasks.sources import corpora

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1764044\n"
ANNEX = b"/annex/objects/SHA256E-s1764044--" + b"0" * 64 + b".wav\n"
ANNEX_LINK = b"../.git/annex/objects/w8/Xk/SHA256E-s1764044--0.wav/SHA256E-s1764044--0.wav"
CLUTTER = {
    **{f"{corpora.FOLDER}/._{name}.{suffix}": b"fork" for name in NAMES for suffix in ("wav", "txt")},
    **{f"__MACOSX/{corpora.FOLDER}/{name}.wav": b"fork" for name in NAMES},
    **{f".Trash-1000/files/{name}.wav": b"removed" for name in NAMES},
    **dict.fromkeys((".DS_Store", "x/Thumbs.db", "x/desktop.ini", "._patient_diagnosis.csv"), b""),
}


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def source_in(form, tmp_path, files):
    """Return a zip or a folder with files."""
    return (
        corpora.zipped(tmp_path / "a.zip", files) if form == "archive" else corpora.lay_out(tmp_path / "source", files)
    )


@pytest.mark.parametrize("form", ["archive", "directory"])
def test_files_of_the_system_are_no_recordings(tmp_path, project, form):
    source = project.download(settings(form, source_in(form, tmp_path, FULL | CLUTTER), expect="full"))
    assert (source["recordings"], source["other_files"], source["equal_copies"]) == (4, 0, 0)


@pytest.mark.parametrize("form", ["archive", "directory"])
def test_files_of_the_system_do_not_count(tmp_path, form):
    names = corpora.many(460)
    files = {f"{mark}{name}.wav": b"" for name in names for mark in ("", "._")}
    assert corpus.settings(str(source_in(form, tmp_path, files)))["expect"] == "partial"


def test_a_new_file_of_the_system_is_no_change_of_the_source(tmp_path):
    given = settings("directory", corpora.lay_out(tmp_path / "source", FULL))
    before = source_state.inspect(tmp_path, given, {})
    corpora.lay_out(tmp_path / "source", CLUTTER)
    assert source_state.changes(before, source_state.inspect(tmp_path, given, before)) == []


def test_predict_leaves_out_files_of_the_system(tmp_path):
    folder = corpora.lay_out(tmp_path / "source", corpora.recordings(NAMES) | CLUTTER)
    assert [path.stem for path in recordings.find([str(folder)]).recordings] == NAMES


def test_linked_folders_and_files_are_followed(tmp_path, project):
    folder = corpora.lay_out(tmp_path / "source", corpora.recordings(NAMES[:1]) | corpora.metadata(NAMES))
    disk = corpora.lay_out(tmp_path / "disk", corpora.recordings(NAMES[1:3]) | corpora.recordings(NAMES[3:], "y"))
    (folder / "linked").symlink_to(disk / corpora.FOLDER)
    for file in (disk / "y").iterdir():
        (folder / file.name).symlink_to(file)
    assert project.download(settings("directory", folder, expect="full"))["recordings"] == 4
    named = source_state.inspect(tmp_path, settings("directory", folder), {})
    assert {f"linked/{NAMES[1]}.wav", f"{NAMES[3]}.wav"} <= set(named)
    (tmp_path / "link").symlink_to(folder)
    assert project.download(settings("directory", tmp_path / "link", expect="full"))["recordings"] == 4


@pytest.mark.parametrize("target", [".", "..", "../.."])  # itself, the source, and the folder of the source
def test_a_link_in_a_circle_is_refused(tmp_path, project, target):
    folder = corpora.lay_out(tmp_path / "source", FULL)
    link = folder / corpora.FOLDER / "again"
    link.symlink_to(target)
    error = project.refused(settings("directory", folder), "leads to a folder above it")
    assert error.where.startswith(str(link))


@pytest.mark.parametrize(
    ("target", "what", "next_step"),
    [
        ("/nowhere/x.wav", "1 symbolic link leads nowhere: .*x.wav -> /nowhere/x.wav", "bring back"),
        ("../.git/annex/objects/x/y", "1 file of git-annex is not here", "git annex get ."),
    ],
)
def test_a_link_that_leads_nowhere_is_named(tmp_path, project, target, what, next_step):
    folder = corpora.lay_out(tmp_path / "source", FULL)
    (folder / "x.wav").symlink_to(target)
    assert next_step in project.refused(settings("directory", folder), what).hint
    with pytest.raises(BreathlineError, match=what):
        corpus.settings(str(folder))
    (tmp_path / "broken").symlink_to("/nowhere")  # beside the source, any link may be broken
    (folder / "x.wav").unlink()
    project.download(settings("directory", folder))


def test_a_folder_that_cannot_be_read_is_named():
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "closed").mkdir(mode=0)
        os.seteuid(user or NOBODY)  # root may read everything
        try:
            with pytest.raises(BreathlineError, match="cannot be read: Permission denied") as refused:
                folder_walk.files(folder)
        finally:
            os.seteuid(user)
    assert refused.value.where == folder / "closed"


def test_a_pipe_in_a_folder_is_named(tmp_path):
    folder = corpora.lay_out(tmp_path / "source", FULL)
    os.mkfifo(folder / "x.wav")
    with pytest.raises(BreathlineError, match=r"a pipe, a socket or a device") as refused:
        corpus.settings(str(folder))
    assert refused.value.where == folder / "x.wav"


RECORDING = f"{corpora.FOLDER}/{NAMES[1]}"


@pytest.mark.parametrize("form", ["archive", "directory"])
@pytest.mark.parametrize("name", [f"{RECORDING}.wav", f"{RECORDING}.txt", "patient_diagnosis.csv"])
@pytest.mark.parametrize("pointer", [LFS, ANNEX, ANNEX_LINK])
def test_pointers_are_named(tmp_path, project, form, name, pointer):
    tool, command = ("Git LFS", "git lfs pull") if pointer == LFS else ("git-annex", "git annex get .")
    files = {path: content for path, content in FULL.items() if "diagnosis" not in path}
    path = source_in(form, tmp_path, files | {"patient_diagnosis.csv": b"101,URTI\n"} | {name: pointer})
    error = project.refused(settings(form, path), f"not fetched: only pointers of {tool} are here")
    assert f"`{command}`" in error.hint
    assert Path(name).name in f"{error.what} {error.where}"


def test_an_archive_that_is_a_pointer_is_named(tmp_path, project):
    path = tmp_path / "a.zip"
    path.write_bytes(LFS)
    assert "`git lfs pull`" in project.refused(settings("archive", path, sha256="0" * 64), "pointers of Git LFS").hint
    with pytest.raises(BreathlineError, match="pointers of Git LFS"):
        corpus.settings(str(path))
