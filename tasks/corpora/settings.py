"""Typed form of `download` in params.yaml: the corpus and its source."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from tasks.runtime.errors import BreathlineError

Expect = Literal["full", "partial"]


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """Random seed and number of patients of a generated corpus."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seed: int
    patients: int


@dataclass(frozen=True, kw_only=True)
class DownloadSettings:
    """Corpus, its source, and the expected extent.

    Attributes:
        corpus: Name of the corpus adapter, which knows the format.
        source: Kind of source: the corpus's publisher, a zip archive, or a folder.
        path: Path of the archive or folder; null for `publisher`.
        metadata: Folder of metadata files, which take precedence over those of the source.
        expect: Whether the corpus must be complete.
        sha256: SHA-256 of the archive in hexadecimal.
        mirrors: URLs of folders with the publisher's files, in order of preference.
        exclude_patients: Ids of patients to leave out, such as those who withdrew their consent.
        demo: Settings of the generated corpus.

    Raises:
        BreathlineError: The keys contradict each other; the error names the key to change.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    corpus: str
    source: Literal["publisher", "archive", "directory"]
    path: Path | None
    metadata: Path | None
    expect: Expect
    sha256: str | None
    mirrors: Sequence[str]
    exclude_patients: Sequence[str | int]
    demo: DemoSettings

    def __post_init__(self) -> None:
        if self.source == "publisher" and self.path is not None:
            raise _misfit("path", "The source `publisher` reads no path.", "set it to null, or the source to archive")
        if self.source != "publisher" and self.path is None:
            kind = "zip" if self.source == "archive" else "folder"
            raise _misfit("path", f"The source `{self.source}` needs a path.", f"name the {kind} of the corpus")
        if self.sha256 is not None:
            if self.source == "directory":
                raise _misfit("sha256", "The source `directory` has no archive to check.", "set it to null")
            if not re.fullmatch("[0-9a-fA-F]{64}", self.sha256):
                raise _misfit("sha256", f"`{self.sha256}` is not a SHA-256.", "use 64 hexadecimal digits")
        if len(set(map(str, self.exclude_patients))) < len(self.exclude_patients):
            raise _misfit("exclude_patients", "A patient is named twice.", "name each patient once")
        for mirror in self.mirrors:
            if not mirror.startswith(("http://", "https://")):
                raise _misfit("mirrors", f"`{mirror}` is not the URL of a mirror.", "begin it with https:// or http://")


def _misfit(key: str, what: str, hint: str) -> BreathlineError:
    return BreathlineError(what, where=f"params.yaml: download.{key}", hint=hint)
