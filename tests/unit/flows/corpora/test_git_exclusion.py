"""Exclusion of own recordings from Git."""

from pathlib import Path

from flows.corpora import git_exclusion
from tests import toy

OWN = ("children [1]", "sounds.csv")


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
