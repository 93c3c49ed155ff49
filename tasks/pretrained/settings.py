"""Settings of pretrained weights: source, hash, revision and licence."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar
from urllib.parse import urlsplit

FORMS = "none, https://<host>/<file>, hf:<organisation>/<repository>/<file>, or timm:<model>"
_HUB_NAME = re.compile(r"hf:[\w.-]+/[\w.-]+/[\w./+=-]+", re.ASCII)
_TIMM_NAME = re.compile(r"timm:[\w.-]+", re.ASCII)
_SHA256, _COMMIT = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True)
class WeightsSettings:
    """Source of one set of weights.

    Attributes:
        source: ``none`` (random initialisation), a URL, ``hf:<organisation>/<repository>/<file>`` or ``timm:<model>``.
        sha256: SHA-256 of the file. Without it, the hash of the downloaded file is recorded in ``source.json``.
        revision: Commit of the repository on the hub (``hf:`` and ``timm:`` only). Without it, the current commit is
            used, and recorded in ``source.json``.
        licence: Licence of the weights, as their authors state it.

    Raises:
        ValueError: The source has none of the forms, or the hash or the commit is malformed.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    source: str
    sha256: str | None = None
    revision: str | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        if not _is_source(self.source):
            raise ValueError(f"source: {self.source!r} is not a source of weights; use {FORMS}")
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"sha256: {self.sha256!r} is not a SHA-256; use 64 hexadecimal digits in lower case")
        if self.revision is not None and not self.source.startswith(("hf:", "timm:")):
            raise ValueError("revision: only a source of the hub (hf:, timm:) has a revision; use sha256")
        if self.revision is not None and not _COMMIT.fullmatch(self.revision):
            raise ValueError(
                f"revision: {self.revision!r} is not a commit, and a branch or tag may move; use the 40 hexadecimal "
                "digits of a commit"
            )


def _is_source(source: str) -> bool:
    """Tell whether a source has one of the forms, without parts that lead out of a repository."""
    if source.startswith(("http://", "https://")):
        try:
            return bool(urlsplit(source).hostname)
        except ValueError:
            return False
    if source.startswith("hf:"):
        parts = PurePosixPath(source.removeprefix("hf:")).parts
        return _HUB_NAME.fullmatch(source) is not None and not any(part.startswith("..") for part in parts)
    return source == "none" or _TIMM_NAME.fullmatch(source) is not None
