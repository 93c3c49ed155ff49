"""Card of an export: ``model.json`` in bytes that depend on the student and its results alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.file_names import CARD
from tasks.prediction.facts import SELECTION, ModelFacts, banner
from tasks.runtime import files

ID_DIGITS = 16


def identity(student: Path) -> str:
    """Return the id of a student: the first digits of the SHA-256 over its weights and its card."""
    digest = hashlib.sha256()
    for name in (f"{SELECTION}.safetensors", CARD):
        digest.update((student / name).read_bytes())
    return digest.hexdigest()[:ID_DIGITS]


def with_banner(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card with `banner`, the sentences that every output shows."""
    return {**card, "banner": banner(ModelFacts.from_card(card))}


def write(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``model.json`` of an export."""
    files.write_json(folder / CARD, card)


def plain(value: Any) -> Any:
    """Return a dataclass as a mapping for JSON; None for None."""
    return None if value is None else asdict(value)
