"""Settings files of Prefect, checked before its import, which would end with an exception of a parser."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.runtime.errors import BreathlineError

# Files in the current folder that Prefect reads.
PROJECT = Path("pyproject.toml")
FILES = (Path(".env"), Path("prefect.toml"), PROJECT)


def check(root: Path) -> None:
    """Check that Prefect can read its settings in a folder, and the profiles of the user.

    Raises:
        BreathlineError: A file is not UTF-8, or not TOML.
    """
    for path in (*(root / name for name in FILES), profiles()):
        read(path)


def profiles() -> Path:
    """Return the file of Prefect's profiles."""
    home = os.path.expanduser(os.environ.get("PREFECT_HOME") or "~/.prefect")
    return Path(os.environ.get("PREFECT_PROFILES_PATH") or f"{home}/profiles.toml")


def read(path: Path) -> Mapping[str, Any]:
    """Return the values of a TOML file; nothing of a missing file, or of one in another format.

    Raises:
        BreathlineError: The file is not UTF-8, or not TOML.
    """
    if not path.is_file():
        return {}
    content = path.read_bytes()
    try:
        text = content.decode()
        return tomllib.loads(text) if path.suffix == ".toml" else {}
    except UnicodeDecodeError as error:
        what = f"{path.name} is not UTF-8: byte 0x{content[error.start]:02X}."
        line = content.count(b"\n", 0, error.start) + 1
        where, hint = f"{path.resolve()}:{line}", "save it as UTF-8, in which Prefect reads it"
        raise BreathlineError(what, where=where, hint=hint) from error
    except tomllib.TOMLDecodeError as error:
        what = f"{path.name} is not TOML: {error}."
        raise BreathlineError(
            what, where=path.resolve(), hint="correct it; Prefect reads its settings there"
        ) from error
