"""By which remotes commit and data reach a worker: a Git remote and a DVC remote that both machines know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from flows.git_commits import git
from tasks.runtime.errors import BreathlineError

USUAL = "origin"


@dataclass(frozen=True)
class Remotes:
    """What caller and worker share.

    Attributes:
        git: The Git remote's name, as the caller knows it.
        repository: Its address, as a worker fetches from it and pushes to it.
        dvc: The DVC remote's name, as ``.dvc/config`` has it.
    """

    git: str
    repository: str
    dvc: str


def of(root: Path) -> Remotes:
    """Return the remotes of a project.

    Raises:
        BreathlineError: There is no such remote, or a worker could not use it.
    """
    name = _git_remote(root)
    return Remotes(git=name, repository=_address(root, git(root, "remote", "get-url", name)), dvc=_dvc_remote(root))


def _git_remote(root: Path) -> str:
    names = git(root, "remote").split()
    if not names:
        raise BreathlineError(
            "The project has no Git remote, by which its code would reach a worker.",
            where=root,
            hint="`git remote add origin ADDRESS`; a bare repository in a shared folder will do (docs/workers.md)",
        )
    if USUAL not in names and len(names) > 1:
        raise BreathlineError(
            "Several Git remotes, and none is called origin.",
            where=", ".join(names),
            hint=f"`git remote rename {names[0]} {USUAL}`",
        )
    return USUAL if USUAL in names else names[0]


def _address(root: Path, url: str) -> str:
    """Return an address that means the same elsewhere; a password in it stays here, for Prefect shows parameters."""
    parts = urlsplit(url)
    if parts.scheme and parts.hostname:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        user = f"{parts.username}@" if parts.username and parts.scheme == "ssh" else ""
        return urlunsplit(parts._replace(netloc=f"{user}{host}{port}"))
    local = root / Path(url).expanduser()
    return str(local.resolve()) if local.exists() else url


def _dvc_remote(root: Path) -> str:
    from dvc.config import Config, ConfigError
    from dvc.config_schema import RelPath

    folder = root / ".dvc"
    try:
        config = Config(dvc_dir=str(folder))
        levels = {level: config.load_one(level).get("remote", {}) for level in ("repo", "global", "system", "local")}
    except ConfigError as error:
        raise BreathlineError("DVC's settings cannot be read.", where=error, hint="mend .dvc/config") from error
    name = config["core"].get("remote")
    if not name:
        raise BreathlineError(
            "The project has no default DVC remote, by which data would reach a worker.",
            where=folder / "config",
            hint="`dvc remote add --default store ADDRESS`: a folder that both machines see, ssh, S3 …",
        )
    if "url" in levels["local"].get(name, {}):
        raise BreathlineError(
            f"Where the DVC remote {name} lies is set in .dvc/config.local, which no worker sees.",
            where=folder / "config.local",
            hint="set the address in .dvc/config; only secrets belong into config.local, on each machine its own",
        )
    if isinstance(levels["repo"].get(name, {}).get("url"), RelPath):
        raise BreathlineError(
            f"The DVC remote {name} is a path relative to this clone; in a worker's it would be another folder.",
            where=folder / "config",
            hint=f"`dvc remote modify {name} url /an/absolute/path`",
        )
    return str(name)
