"""Settings of pretrained weights: source, hash, revision and licence."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

NOTHING = "none"  # source of a random initialisation
FORMS = "none, https://<host>/<file>, hf:<organisation>/<repository>/<file>, or timm:<model>"
_PART = "[A-Za-z0-9_][A-Za-z0-9_.=+-]*"  # of a path on the hub
_SOURCE = rf"^(none|https?://[^\s/]+(/\S*)?|hf:({_PART}/){{2,}}{_PART}|timm:{_PART})$"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="a SHA-256: 64 hexadecimal digits in lower case")]
Commit = Annotated[
    str, Field(pattern="^[0-9a-f]{40}$", description="a commit: 40 hexadecimal digits (a branch or tag may move)")
]


@dataclass(frozen=True, kw_only=True)
class WeightsSettings:
    """Source of one set of weights.

    Attributes:
        source: ``none`` (random initialisation), a URL, ``hf:<organisation>/<repository>/<file>`` or ``timm:<model>``.
        sha256: SHA-256 of the file. Without it, the hash of the downloaded file is recorded in ``source.json``. A URL
            with ``http://`` needs it, except for a server on this machine.
        revision: Commit of the repository on the hub (``hf:`` and ``timm:`` only). Without it, the current commit is
            used, and recorded in ``source.json``.
        licence: Licence of the weights, as their authors state it.

    Raises:
        ValueError: The keys contradict each other.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    source: Annotated[str, Field(pattern=_SOURCE, max_length=2000, description=FORMS)]
    sha256: Sha256 | None = None
    revision: Commit | None = None
    licence: Annotated[str, Field(max_length=200)] | None = None

    def __post_init__(self) -> None:
        if self.source.startswith("http") and not _host(self.source):
            raise ValueError(f"source: {FORMS}")
        if self.source.startswith("http://") and self.sha256 is None and not _is_loopback(str(_host(self.source))):
            why = "because a file can be changed on its way from http://; or a source with https://"
            raise ValueError(f"sha256: the SHA-256 of the file, {why}")
        if self.source == NOTHING and self.sha256 is not None:
            raise ValueError(f"sha256: null, because the source {NOTHING} has no file")
        if self.revision is not None and not self.on_hub:
            raise ValueError("revision: null, because only a source of the hub (hf:, timm:) has a revision; use sha256")

    @property
    def on_hub(self) -> bool:
        """True if the source is a repository of the Hugging Face hub."""
        return self.source.startswith(("hf:", "timm:"))

    @property
    def pinned(self) -> bool:
        """True if the source always gives the same bytes, or an error."""
        return self.source == NOTHING or self.sha256 is not None or self.revision is not None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(source: str) -> str | None:
    try:
        return urlsplit(source).hostname
    except ValueError:
        return None
