"""A run of the toy graph, then one thing changed at a time, as time, hands or a disk would."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from flows.audit import report
from flows.audit.rehash import Audit, rehash
from tasks.errors import BreathlineError
from tests import toy


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = toy.make(tmp_path_factory.mktemp("audit") / "project")
    toy.call(folder, "dvc", "repro", "--quiet")
    return folder


@pytest.fixture
def project(finished, tmp_path) -> Path:
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)


def tamper(path: Path) -> None:
    """Change the last byte of a file, and let neither its size nor its time tell."""
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def found(audit: Audit) -> set[tuple[str, str, str, bool]]:
    return {(one.kind, one.stage, one.path, one.damage) for one in audit.findings}


def copy_of(project: Path, path: str) -> Path:
    """Return where the cache has a file."""
    content = (project / path).read_bytes()
    folder = project / ".dvc" / "cache" / "files" / "md5"
    return next(one for one in folder.rglob("*") if one.is_file() and one.read_bytes() == content)


def test_what_a_run_left_is_as_recorded(project):
    audit = rehash(project)
    assert audit.findings == ()
    assert audit.stages == 4
    # Outs and inputs: src, first, a/model, b/model, last. Objects: first, last, and a list and a model for a and b.
    assert audit.files == 5 + 6
    assert report.headline(audit).startswith("All as recorded: 11 files")


def test_a_tampered_byte_is_found_where_dvc_sees_nothing_and_what_depends_on_it_is_named(project):
    toy.call(project, "dvc", "status")  # from here on, DVC knows the hashes by size and time
    tamper(project / "data" / "a" / "model")
    assert "up to date" in toy.call(project, "dvc", "status")
    audit = rehash(project)
    # The folder `data` is a dep, too: the chain from `teacher@a` to `last` is told from the lock, and holds.
    assert found(audit) == {("out", "teacher@a", "data/a", True)}
    assert audit.findings[0].downstream == ("last",)
    assert "model differs" in audit.findings[0].what
    assert "✗ an out differs | `teacher@a` | `data/a`" in report.show(audit)


def test_a_tampered_copy_in_the_cache_is_found_and_so_is_a_missing_one(project):
    tamper(copy_of(project, "data/b/model"))
    copy_of(project, "last.txt").unlink()
    audit = rehash(project)
    assert found(audit) == {("cache", "teacher@b", "data/b", True), ("cache", "last", "last.txt", True)}
    (project / "last.txt").unlink()
    assert ("out", "last", "last.txt", True) in found(rehash(project))


def test_an_out_that_the_cache_has_yet_and_a_changed_input_are_no_damage(project):
    shutil.rmtree(project / "data" / "a")
    (project / "src.txt").write_text("another\n")
    audit = rehash(project)
    assert found(audit) == {("out", "teacher@a", "data/a", False), ("input", "first", "src.txt", False)}
    assert set(audit.findings[1].downstream) == {"teacher@a", "teacher@b", "last"}
    assert audit.damage == ()


def test_a_stage_that_ran_alone_breaks_the_chain_below_it(project):
    (project / "src.txt").write_text("another\n")
    toy.call(project, "dvc", "repro", "--quiet", "--single-item", "first")
    toy.call(project, "dvc", "repro", "--quiet", "--single-item", "teacher@a")
    audit = rehash(project)
    assert found(audit) == {("chain", "teacher@b", "first.txt", True), ("chain", "last", "data", True)}
    assert "but first made" in next(one.what for one in audit.findings if one.stage == "teacher@b")


def test_before_the_first_run_there_is_nothing_to_audit(tmp_path):
    with pytest.raises(BreathlineError, match="Nothing has run here yet"):
        rehash(toy.make(tmp_path))
