"""Checks of the project: parameters, recipes, recordings, Git, DVC, write permission."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.doctor.check_result import CheckResult, State, refused, result
from lineage.git import ask_git
from tasks.artifacts import CATALOGUE, SOURCE, CorpusFolders
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed

if TYPE_CHECKING:
    from dvc.repo import Repo

    from tasks.corpora.settings import DownloadSettings

# Packages of DVC for remotes, by the scheme of the address.
REMOTE_PACKAGES = {"s3": "dvc_s3", "gs": "dvc_gs", "azure": "dvc_azure", "ssh": "dvc_ssh", "gdrive": "dvc_gdrive"}
SHARED_LINKS = ("hardlink", "symlink")


def params(root: Path) -> Iterator[CheckResult]:
    """Check params.yaml against the typed model of all parameters."""
    from tasks.parameters.judge import problems

    found = problems(root / "params.yaml")
    if found:
        for fault in found[:5]:
            yield CheckResult("params.yaml", "problem", fault, "correct it; `breathline plan` lists all of them")
    else:
        yield CheckResult("params.yaml", "ok", "every key and value is allowed")


def recipes(root: Path) -> Iterator[CheckResult]:
    """Check that every recipe can be read."""
    from flows.recipes import layers

    folder = root / layers.RECIPES
    for name in (names := layers.names(folder)):
        try:
            layers.load(name, folder)
        except BreathlineError as error:
            yield refused("recipes", error)
    found = f"{len(names)} in {folder}"
    yield result("recipes", found, "restore them: `git checkout recipes`", wrong=not names, state="problem")


def recordings(root: Path) -> Iterator[CheckResult]:
    """Check for each corpus that its recordings are here, or that their source is."""
    from tasks.corpora.settings import SECTIONS

    for corpus, settings in corpora(root).items():
        there = (root / corpus.raw / SOURCE).is_file()
        lost: State = "warning" if there else "problem"
        role = "" if corpus.role == "training" else " (only tested on)"
        here = f"corpus {corpus.name}{role}, " + ("in " if there else "not yet in ") + corpus.raw.as_posix()
        if settings.path is None:
            found = f"{here}; source: {settings.source} {settings.dataset or ''}".rstrip()
            missing = settings.source == "kaggle" and find_spec("kagglehub") is None
            found += ", whose library kagglehub is not installed" if missing else ""
            yield result("recordings", found, "pip install 'breathline[kaggle]'", wrong=missing, state=lost)
            continue
        missing = not (root / settings.path).exists()
        found = f"{here}; source: {settings.path}" + (", which does not exist" if missing else "")
        advice = f"correct `{SECTIONS[corpus.role]}.{corpus.name}.path` in params.yaml"
        yield result("recordings", found, advice, wrong=missing, state=lost)


def git(root: Path) -> Iterator[CheckResult]:
    """Check the Git repository: a score can be traced only to a commit."""
    version = (ask_git(root, "--version") or "").removeprefix("git version ")
    shallow = ask_git(root, "rev-parse", "--is-shallow-repository")
    if shallow is None:
        found = f"{version}, but no repository" if version else "not installed"
        advice = "`git clone` the project" if version else "install git"
        yield CheckResult("Git", "problem", found, f"{advice}; DVC needs Git")
        return
    commit = ask_git(root, "rev-parse", "--short", "HEAD")
    if commit is None:
        advice = "commit, so that a score can be traced to its code"
        yield CheckResult("Git", "warning", f"{version}, no commit yet", advice)
        return
    folder = ask_git(root, "rev-parse", "--show-prefix")
    found = f"{version}, commit {commit}" + (f", folder {folder} of a larger repository" if folder else "")
    changed = (ask_git(root, "status", "--porcelain", "--", ".") or "").splitlines()
    if changed:
        found += f", {counted(len(changed), 'file')} not committed"
        advice = "commit first, so that the score of the next run can be traced"
    else:
        found += ", shallow" if shallow == "true" else ""
        advice = "`git fetch --unshallow`: DVC compares with old commits"
    yield result("Git", found, advice, wrong=bool(changed) or shallow == "true")


def line_ends(root: Path) -> Iterator[CheckResult]:
    """Check that code and settings have the line ends of the commit: others rerun every stage."""
    listing = ask_git(root, "ls-files", "--eol", "--", "*.py", "*.yaml", "*.lock")
    if listing is None:
        return
    other = [line.split("\t", 1)[1] for line in listing.splitlines() if "w/crlf" in line or "w/mixed" in line]
    setting = ask_git(root, "config", "core.autocrlf") or "not set"
    found = f"core.autocrlf is {setting}" + (f"; CRLF in {listed(other, 3)}" if other else "")
    advice = "`git config core.autocrlf false`, then `git rm -q --cached -r . && git reset --hard` in a clean tree"
    yield result("line ends", found, advice, wrong=bool(other))


def dvc(root: Path) -> Iterator[CheckResult]:
    """Check DVC: its configuration, the links of its cache, its remote, its telemetry."""
    from dvc import __version__
    from dvc.exceptions import DvcException

    from flows.dvc_repository import open_repo
    from flows.processes import files_in_use

    try:
        with open_repo(root) as repo:
            unknown = not files_in_use.is_supported()
            found = f"{__version__}, cache {repo.cache.local.path}"
            found += f". {files_in_use.UNSUPPORTED}" if unknown else ""
            yield result("DVC", found, "`make setup` installs the locked version", wrong=unknown)
            yield _links(repo)
            yield _remote(repo)
            on = repo.config["core"].get("analytics", True) and "DVC_NO_ANALYTICS" not in os.environ
    except DvcException as error:
        yield CheckResult("DVC", "problem", f"{__version__}, but {error}", "correct .dvc/config")
        return
    yield result("telemetry of DVC", "on" if on else "off", "`dvc config core.analytics false`", wrong=on)


def write_permission(root: Path) -> Iterator[CheckResult]:
    """Check that this user may write everything that a run changes."""
    from flows import write_access

    write_access.check(root)
    yield CheckResult("write permission", "ok", "all folders that a run changes")


def links(root: Path) -> Iterator[CheckResult]:
    """Check that no folder of outs is a symbolic link, below which DVC keeps nothing."""
    from lineage import out_folders

    outs = [".dvc/x", *(artifact.pattern.as_posix() for artifact in CATALOGUE)]
    out_folders.check(root, outs)
    yield CheckResult("links", "ok", "no folder of outs is a symbolic link")


def corpora(root: Path) -> dict[CorpusFolders, DownloadSettings]:
    """Return the settings of all corpora of params.yaml.

    Raises:
        BreathlineError: The file or a section cannot be read.
    """
    from tasks.corpora.settings import configured
    from tasks.runtime import params as reader

    return configured(reader.read(root / reader.PARAMS))


def _links(repo: Repo) -> CheckResult:
    """Test the link types of DVC's cache, in the order of the configuration."""
    from dvc.fs import localfs
    from dvc_objects.fs.generic import test_links

    wanted = list(repo.config["cache"].get("type") or ["reflink", "copy"])
    # `test_links` writes beside its last argument, so it is given a name inside DVC's own temporary folder.
    target = Path(repo.tmp_dir or repo.root_dir) / "link"
    works = test_links(wanted, localfs, str(target.parent), localfs, str(target))
    if not works:
        return CheckResult(
            "DVC's cache", "problem", f"none of {', '.join(wanted)} works", "`dvc config cache.type copy`"
        )
    found = f"{works[0]} (configured: {', '.join(wanted)})"
    found += ": every file takes its space twice" if works[0] == "copy" else ""
    advice = "a program that overwrites a file would also change the cache: `dvc config cache.type reflink,copy`"
    return result("DVC's cache", found, advice, wrong=works[0] in SHARED_LINKS)


def _remote(repo: Repo) -> CheckResult:
    name = repo.config["core"].get("remote")
    if not name:
        return CheckResult("DVC's remote", "ok", "none: results stay on this machine")
    url = str(repo.config["remote"].get(name, {}).get("url", ""))
    scheme = urlsplit(url).scheme if "://" in url else ""
    package = REMOTE_PACKAGES.get(scheme)
    if package and find_spec(package) is None:
        return CheckResult("DVC's remote", "problem", f"{name} ({url}) needs {package}", f"pip install 'dvc[{scheme}]'")
    lost = not url or (not scheme and not Path(url).is_dir())
    return result("DVC's remote", f"{name} ({url or 'no address'})", "correct it: `dvc remote modify`", wrong=lost)


CHECKS = (params, recipes, recordings, git, line_ends, dvc, write_permission, links)
