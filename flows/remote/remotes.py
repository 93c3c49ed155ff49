"""Git remote and DVC remote that a project shares with its remote workers."""

from dataclasses import dataclass
from pathlib import Path

from lineage.git import address_without_password, git
from tasks.runtime.errors import BreathlineError

DEFAULT = "origin"


@dataclass(frozen=True)
class Remotes:
    """Remotes that a project and its workers share.

    Attributes:
        git: Name of the Git remote in the project.
        repository: Address of the Git remote, for the worker's fetch and push.
        dvc: Name of the DVC remote in ``.dvc/config``.
    """

    git: str
    repository: str
    dvc: str


def shared_remotes(root: Path) -> Remotes:
    """Return the remotes of a project that workers can use.

    Raises:
        BreathlineError: A remote is missing, or its address is not valid on a worker.
    """
    name = _git_remote(root)
    return Remotes(git=name, repository=_address(root, git(root, "remote", "get-url", name)), dvc=_dvc_remote(root))


def _git_remote(root: Path) -> str:
    names = git(root, "remote").split()
    if not names:
        raise BreathlineError(
            "The project has no Git remote, from which a worker can get the code.",
            where=root,
            hint="`git remote add origin ADDRESS`; a bare one in a shared folder will do (docs/how-to/workers.md)",
        )
    if DEFAULT not in names and len(names) > 1:
        raise BreathlineError(
            "The project has several Git remotes, none of them called origin.",
            where=", ".join(names),
            hint=f"`git remote rename {names[0]} {DEFAULT}`",
        )
    return DEFAULT if DEFAULT in names else names[0]


def _address(root: Path, url: str) -> str:
    """Return an address that is valid on other machines, without its password: Prefect shows parameters."""
    if (address := address_without_password(url)) is not None:
        return address
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
        raise BreathlineError("DVC's settings cannot be read.", where=error, hint="correct .dvc/config") from error
    name = config["core"].get("remote")
    if not name:
        raise BreathlineError(
            "The project has no default DVC remote, from which a worker can get the data.",
            where=folder / "config",
            hint="`dvc remote add --default store ADDRESS`: a folder that both machines can read, ssh, S3 …",
        )
    if "url" in levels["local"].get(name, {}):
        raise BreathlineError(
            f"The address of the DVC remote {name} is set in .dvc/config.local, which workers do not have.",
            where=folder / "config.local",
            hint="set the address in .dvc/config; config.local is for the secrets of each machine",
        )
    if isinstance(levels["repo"].get(name, {}).get("url"), RelPath):
        raise BreathlineError(
            f"The address of the DVC remote {name} is relative to this clone, so workers would use another folder.",
            where=folder / "config",
            hint=f"`dvc remote modify {name} url /an/absolute/path`",
        )
    return str(name)
