"""Checks of the project: disk, DVC, Git, telemetry, pretrained weights."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.doctor.check_result import CheckResult
from cli.doctor.machine import GB
from lineage.git import ask_git
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from dvc.repo import Repo

# Recordings, cycles, feature caches and models, each once in the folder and once in DVC's cache.
NEEDED_GB = {"publisher": 20, "archive": 15, "directory": 15}  # for a published corpus
GENERATED_GB = 2


def checks(root: Path) -> Iterator[CheckResult]:
    """Yield the results of all checks of the project in a folder."""
    yield disk(root)
    yield from dvc(root)
    yield stage_variable()
    yield telemetry(root)
    yield git(root)
    yield weights()


def disk(root: Path) -> CheckResult:
    """Check the free disk space for the corpus of params.yaml."""
    from tasks.corpora import registry
    from tasks.runtime import params

    try:
        read = params.read(root / "params.yaml")
        corpus, source = (str(params.section(read, f"download.{key}")) for key in ("corpus", "source"))
        generated = source == "publisher" and registry.get(corpus).generated
    except BreathlineError as error:
        return CheckResult("free disk", "missing", error.what, error.hint or "")
    free, needed = shutil.disk_usage(root).free / GB, GENERATED_GB if generated else NEEDED_GB.get(source, 20)
    found = f"{free:.0f} GB; the corpus {corpus} takes about {needed} GB with DVC's cache"
    if free < needed:
        return CheckResult(
            "free disk", "missing", found, "free some space, or put DVC's cache elsewhere: `dvc cache dir`"
        )
    return CheckResult("free disk", "ok", found)


def dvc(root: Path) -> Iterator[CheckResult]:
    """Check DVC, the links of its cache, and its telemetry."""
    from dvc import __version__
    from dvc.exceptions import DvcException

    from flows.dvc_repository import open_repo

    try:
        with open_repo(root) as repo:
            yield CheckResult("DVC", "ok", __version__)
            yield cache_links(repo)
            off = not repo.config["core"].get("analytics", True) or "DVC_NO_ANALYTICS" in os.environ
    except (DvcException, BreathlineError) as error:
        what, advice = (error.what, error.hint) if isinstance(error, BreathlineError) else (str(error), None)
        yield CheckResult("DVC", "missing", f"{__version__}, but {what}", advice or "run in the project's root")
        return
    advice = "" if off else "`dvc config core.analytics false`"
    yield CheckResult("telemetry of DVC", "ok" if off else "unusual", "off" if off else "on", advice)


def cache_links(repo: Repo) -> CheckResult:
    """Test the link types of DVC's cache, in the order of the configuration."""
    from dvc.fs import localfs
    from dvc_objects.fs.generic import test_links

    wanted = list(repo.config["cache"].get("type") or ["reflink", "copy"])
    # `test_links` writes beside its last argument, so it is given a name inside DVC's own temporary folder.
    target = Path(repo.tmp_dir or repo.root_dir) / "link"
    works = test_links(wanted, localfs, str(target.parent), localfs, str(target))
    if not works:
        return CheckResult(
            "DVC's cache", "missing", f"none of {', '.join(wanted)} works", "`dvc config cache.type copy`"
        )
    found = f"{works[0]} (configured: {', '.join(wanted)})"
    if works[0] in {"hardlink", "symlink"}:
        advice = "a program that overwrites a file would also change the cache: `dvc config cache.type reflink,copy`"
        return CheckResult("DVC's cache", "unusual", found, advice)
    return CheckResult("DVC's cache", "ok", found, "every file takes its space twice" if works[0] == "copy" else "")


def stage_variable() -> CheckResult:
    """Check that the command does not run inside a stage, where no run may start."""
    inside = os.environ.get("DVC_STAGE")
    if inside:
        return CheckResult("DVC_STAGE", "unusual", inside, "`unset DVC_STAGE`, or `breathline run` refuses to start")
    return CheckResult("DVC_STAGE", "ok", "not set")


def telemetry(root: Path) -> CheckResult:
    """Check that the telemetry of Prefect is off; the stage `validate` turns off that of Great Expectations."""
    project = root / "pyproject.toml"
    settings = tomllib.loads(project.read_text(encoding="utf-8")) if project.exists() else {}
    server = settings.get("tool", {}).get("prefect", {}).get("server", {})
    if server.get("analytics_enabled") is False or os.environ.get("DO_NOT_TRACK") == "1":
        return CheckResult("telemetry of Prefect", "ok", "off")
    advice = "set `analytics_enabled = false` under [tool.prefect.server] in pyproject.toml"
    return CheckResult("telemetry of Prefect", "unusual", "not switched off", advice)


def git(root: Path) -> CheckResult:
    """Check the Git repository: a score can be traced only to a commit."""
    shallow = ask_git(root, "rev-parse", "--is-shallow-repository")
    if shallow is None:
        return CheckResult("Git", "missing", "no repository, or no git", "`git clone` the project; DVC needs Git")
    commit = ask_git(root, "rev-parse", "--short", "HEAD")
    if commit is None:
        return CheckResult("Git", "unusual", "no commit yet", "commit, so that a score can be traced to its code")
    changed = (ask_git(root, "status", "--porcelain") or "").splitlines()
    if changed:
        found = f"{commit} and {len(changed)} files not committed"
        return CheckResult("Git", "unusual", found, "commit first, so that the score of the next run can be traced")
    if shallow == "true":
        return CheckResult(
            "Git", "unusual", f"{commit}, shallow", "`git fetch --unshallow`: DVC compares with old commits"
        )
    return CheckResult("Git", "ok", commit)


def weights() -> CheckResult:
    """Check the folder of pretrained weights, which is searched before anything is downloaded."""
    folder = os.environ.get("BREATHLINE_WEIGHTS")
    if folder is None:
        return CheckResult("BREATHLINE_WEIGHTS", "ok", "not set: pretrained weights are downloaded")
    if not Path(folder).is_dir():
        return CheckResult(
            "BREATHLINE_WEIGHTS", "missing", f"{folder} is not a folder", "correct or unset the variable"
        )
    return CheckResult("BREATHLINE_WEIGHTS", "ok", folder)
