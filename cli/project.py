"""What `breathline doctor` finds out about the project's folder: disk, DVC, Git, telemetry, weights."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.machine import GB, Finding

if TYPE_CHECKING:
    from dvc.repo import Repo

# Recordings, cycles, feature caches and models, each once in the folder and once in DVC's cache.
NEEDED_GB = {"demo": 2, "archive": 15, "directory": 15, "icbhi": 20}


def findings(root: Path) -> Iterator[Finding]:
    """Yield what there is to say about the project in ``root``."""
    yield disk(root)
    yield from dvc(root)
    yield stage_variable()
    yield telemetry(root)
    yield git(root)
    yield weights()


def disk(root: Path) -> Finding:
    """Whether there is room for what params.yaml asks for."""
    from tasks.runtime import params
    from tasks.runtime.errors import BreathlineError

    try:
        source = str(params.section(params.read(root / "params.yaml"), "download.source"))
    except BreathlineError as error:
        return Finding("free disk", "missing", error.what, error.hint or "")
    free, needed = shutil.disk_usage(root).free / GB, NEEDED_GB.get(source, 20)
    found = f"{free:.0f} GB; download.source {source} takes about {needed} GB with DVC's cache"
    if free < needed:
        return Finding("free disk", "missing", found, "make room, or put DVC's cache elsewhere: `dvc cache dir`")
    return Finding("free disk", "ok", found)


def dvc(root: Path) -> Iterator[Finding]:
    """DVC itself, how its cache is linked, and whether it phones home."""
    from dvc import __version__
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        repo = Repo(str(root))
    except DvcException as error:
        yield Finding("DVC", "missing", f"{__version__}, but {error}", "run in the project's root")
        return
    with repo:
        yield Finding("DVC", "ok", __version__)
        yield cache_links(repo)
        quiet = not repo.config["core"].get("analytics", True) or "DVC_NO_ANALYTICS" in os.environ
    advice = "" if quiet else "`dvc config core.analytics false`"
    yield Finding("telemetry of DVC", "ok" if quiet else "unusual", "off" if quiet else "on", advice)


def cache_links(repo: Repo) -> Finding:
    """How files come from DVC's cache into the project: tried for real, in the order of the configuration."""
    from dvc.fs import localfs
    from dvc_objects.fs.generic import test_links

    wanted = list(repo.config["cache"].get("type") or ["reflink", "copy"])
    # `test_links` writes beside its last argument, so it is given a name inside DVC's own temporary folder.
    target = Path(repo.tmp_dir or repo.root_dir) / "link"
    works = test_links(wanted, localfs, str(target.parent), localfs, str(target))
    if not works:
        return Finding("DVC's cache", "missing", f"none of {', '.join(wanted)} works", "`dvc config cache.type copy`")
    found = f"{works[0]} (configured: {', '.join(wanted)})"
    if works[0] in {"hardlink", "symlink"}:
        advice = "an in-place write would damage the cache unseen: `dvc config cache.type reflink,copy`"
        return Finding("DVC's cache", "unusual", found, advice)
    return Finding("DVC's cache", "ok", found, "every file is there twice" if works[0] == "copy" else "")


def stage_variable() -> Finding:
    """Whether this is the inside of a stage, where no run may start."""
    inside = os.environ.get("DVC_STAGE")
    if inside:
        return Finding("DVC_STAGE", "unusual", inside, "`unset DVC_STAGE`, or `breathline run` refuses to start")
    return Finding("DVC_STAGE", "ok", "not set")


def telemetry(root: Path) -> Finding:
    """Whether Prefect is told not to phone home when it is started here; Great Expectations is, by its stage."""
    project = root / "pyproject.toml"
    settings = tomllib.loads(project.read_text(encoding="utf-8")) if project.exists() else {}
    server = settings.get("tool", {}).get("prefect", {}).get("server", {})
    if server.get("analytics_enabled") is False or os.environ.get("DO_NOT_TRACK") == "1":
        return Finding("telemetry of Prefect", "ok", "off")
    advice = "set `analytics_enabled = false` under [tool.prefect.server] in pyproject.toml"
    return Finding("telemetry of Prefect", "unusual", "not switched off", advice)


def git(root: Path) -> Finding:
    """The state of the repository that a score is traced to."""
    inside = _git(root, "rev-parse", "--is-shallow-repository")
    if inside is None:
        return Finding("Git", "missing", "no repository, or no git", "`git clone` the project; DVC needs Git")
    commit = _git(root, "rev-parse", "--short", "HEAD")
    if commit is None:
        return Finding("Git", "unusual", "no commit yet", "commit, so that a score can be traced to its code")
    changed = (_git(root, "status", "--porcelain") or "").splitlines()
    if changed:
        found = f"{commit} and {len(changed)} files not committed"
        return Finding("Git", "unusual", found, "commit before a run whose score is to be traced")
    if inside == "true":
        return Finding("Git", "unusual", f"{commit}, shallow", "`git fetch --unshallow`: DVC compares with old commits")
    return Finding("Git", "ok", commit)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def weights() -> Finding:
    """Where pretrained weights are looked for before the network is."""
    folder = os.environ.get("BREATHLINE_WEIGHTS")
    if folder is None:
        return Finding("BREATHLINE_WEIGHTS", "ok", "not set: pretrained weights come from the network")
    if not Path(folder).is_dir():
        return Finding("BREATHLINE_WEIGHTS", "missing", f"{folder} is no folder", "correct or unset it")
    return Finding("BREATHLINE_WEIGHTS", "ok", folder)
