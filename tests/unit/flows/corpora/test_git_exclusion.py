"""Exclusion of own recordings from Git."""

import os
from pathlib import Path

import pytest

from flows.corpora import git_exclusion
from tasks.corpora.table.facts import SUFFIXES
from tasks.runtime.errors import BreathlineError
from tests import toy

OWN = ("children [1]", "sounds.csv")
ROOT = Path(__file__).parents[4]


def test_git_adds_nothing_of_own_recordings_and_each_line_is_written_once(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [Path(name) for name in (*OWN, "kept.csv")]
    assert git_exclusion.exclude(Path(), paths) == []  # no repository
    toy.call(tmp_path, "git", "init", "--quiet")
    Path(OWN[0], "deep").mkdir(parents=True)
    for name in (f"{OWN[0]}/deep/a.wav", OWN[1], "kept.csv", "../outside.csv"):
        Path(name).write_text("", encoding="utf-8")
    Path(".gitignore").write_text("/kept.csv", encoding="utf-8")  # without a line end
    lines = ["/children \\[1]/", "/sounds.csv"]
    assert git_exclusion.exclude(Path(), [*paths, Path("../outside.csv"), Path()]) == lines
    assert git_exclusion.exclude(Path(), paths) == []
    assert toy.call(tmp_path, "git", "add", "--all", "--dry-run") == "add '.gitignore'\n"


@pytest.mark.parametrize(
    ("before", "added"),
    [
        (b"# Gr\xf6\xdfe\n*.tmp\n", b"/sounds.csv\n"),
        (b"# Gr\xf6\xdfe", b"\n/sounds.csv\n"),
        (b"*.tmp\r\n# Gr\xf6\xdfe\r\n", b"/sounds.csv\r\n"),
        (b"*.tmp\r\n*.bak", b"\r\n/sounds.csv\r\n"),
        (b"\xef\xbb\xbf*.tmp\n", b"/sounds.csv\n"),
        (b"", b"/sounds.csv\n"),
    ],
)
def test_bytes_and_line_ends_of_the_user_stay(tmp_path, before, added):
    toy.call(tmp_path, "git", "init", "--quiet")
    (tmp_path / ".gitignore").write_bytes(before)
    for name in ("sounds.csv", "a.tmp"):
        (tmp_path / name).touch()
    git_exclusion.exclude(tmp_path, [tmp_path / "sounds.csv"])
    assert (tmp_path / ".gitignore").read_bytes() == before + added
    left = "" if b"*.tmp" in before else "add 'a.tmp'\n"
    assert toy.call(tmp_path, "git", "add", "--all", "--dry-run") == f"add '.gitignore'\n{left}"


def test_a_name_that_is_not_utf_8_is_excluded(tmp_path):
    toy.call(tmp_path, "git", "init", "--quiet")
    folder = tmp_path / os.fsdecode(b"T\xf6ne")
    folder.mkdir()
    (folder / "a.txt").touch()
    git_exclusion.exclude(tmp_path, [folder])
    assert (tmp_path / ".gitignore").read_bytes() == b"/T\xf6ne/\n"
    assert toy.call(tmp_path, "git", "add", "--all", "--dry-run") == "add '.gitignore'\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_gitignore_that_git_cannot_read_is_refused_and_stays(tmp_path, encoding):
    toy.call(tmp_path, "git", "init", "--quiet")
    (tmp_path / "sounds.csv").touch()
    content = "*.tmp\n".encode(encoding)
    (tmp_path / ".gitignore").write_bytes(content)
    with pytest.raises(BreathlineError, match=r"UTF-16(.|\n)*where: .*/\.gitignore\n *next: *save it as UTF-8"):
        git_exclusion.exclude(tmp_path, [tmp_path / "sounds.csv"])
    assert (tmp_path / ".gitignore").read_bytes() == content


def test_the_project_excludes_sound_files_of_each_suffix_in_any_case(tmp_path):
    toy.call(tmp_path, "git", "init", "--quiet")
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text(encoding="utf-8"), encoding="utf-8")
    for suffix in SUFFIXES:
        for name in (f"a{suffix}", f"b{suffix.upper()}", f"c{suffix.title()}"):
            (tmp_path / name).write_bytes(b"")
    assert toy.call(tmp_path, "git", "add", "--all", "--dry-run") == "add '.gitignore'\n"


@pytest.mark.parametrize("project", [".", "lab/sounds"])
def test_a_warning_tells_what_git_has_or_adds_in_spite_of_gitignore(tmp_path, project):
    root = tmp_path / project
    (root / "recordings").mkdir(parents=True)
    toy.call(tmp_path, "git", "init", "--quiet")
    for name in ("recordings/a.WAV", "recordings/é.txt", "sounds.csv", "params.yaml"):
        (root / name).write_text("", encoding="utf-8")
    own = [root / "recordings", root / "sounds.csv"]
    assert git_exclusion.warnings(root, [*own, root.parent]) == []
    (whole,) = git_exclusion.warnings(root, [root])
    assert "`git add --all` adds annotations" in whole
    toy.call(root, "git", "add", "--all")
    folder, table = git_exclusion.warnings(root, own)
    assert "Git already has recordings/a.WAV, recordings/é.txt:" in folder
    assert "`git rm -r --cached recordings`" in folder
    assert "Git already has sounds.csv:" in table
    assert "Git already has recordings/a.WAV:" in git_exclusion.warnings(root, [root])[1]
