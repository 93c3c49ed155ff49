"""Where the recordings come from: the typed form of `download` in params.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from tasks.runtime.errors import BreathlineError

Expect = Literal["full", "partial"]


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """Which corpus is generated."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seed: int
    patients: int


@dataclass(frozen=True, kw_only=True)
class DownloadSettings:
    """Which source, and what it must hold.

    Attributes:
        source: `icbhi` is the official archive by HTTP; `demo` is generated.
        path: The zip of `archive` or the folder of `directory`; null for the other two.
        metadata: A folder of metadata files, which go before those of the source.
        expect: Whether the corpus must be complete.
        sha256: Of the archive, in hexadecimal.
        mirrors: Folders by HTTP in which `icbhi` finds the official files, in order of preference.
        exclude_patients: Numbers of the patients who are left out, such as those who withdrew their consent.
        demo: For `demo` alone.

    Raises:
        BreathlineError: The keys do not go together; the error names the one to change.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    source: Literal["icbhi", "archive", "directory", "demo"]
    path: Path | None
    metadata: Path | None
    expect: Expect
    sha256: str | None
    mirrors: Sequence[str]
    exclude_patients: Sequence[str | int]
    demo: DemoSettings

    def __post_init__(self) -> None:
        local = self.source in ("archive", "directory")
        if local and self.path is None:
            kind = "zip" if self.source == "archive" else "folder"
            raise _misfit("path", f"The source `{self.source}` needs a path.", f"name the {kind} that holds the corpus")
        if not local and self.path is not None:
            raise _misfit("path", f"The source `{self.source}` reads no path.", "set it to null, or choose `archive`")
        if self.sha256 is not None:
            if self.source in ("directory", "demo"):
                raise _misfit("sha256", f"The source `{self.source}` has no archive to check.", "set it to null")
            if not re.fullmatch("[0-9a-fA-F]{64}", self.sha256):
                raise _misfit("sha256", f"`{self.sha256}` is no SHA-256.", "64 hexadecimal digits are expected")
        if self.source == "demo" and self.metadata is not None:
            raise _misfit("metadata", "The demo corpus brings its own metadata.", "set it to null")
        if self.source == "icbhi" and not self.mirrors:
            raise _misfit("mirrors", "The source `icbhi` needs a mirror.", "name at least one")
        if len(set(self.exclude_patients)) < len(self.exclude_patients):
            raise _misfit("exclude_patients", "A patient is named twice.", "name each once")
        for mirror in self.mirrors:
            if not mirror.startswith(("http://", "https://")):
                raise _misfit("mirrors", f"`{mirror}` is no URL of a mirror.", "it begins with https:// or http://")


def _misfit(key: str, what: str, hint: str) -> BreathlineError:
    return BreathlineError(what, where=f"params.yaml: download.{key}", hint=hint)
