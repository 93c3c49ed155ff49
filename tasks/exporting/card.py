"""Card of an export: ``model.json`` in bytes that depend on the student and its results alone."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.file_names import CARD
from tasks.prediction.facts import ModelFacts, banner
from tasks.runtime import files


def with_banner(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card with `banner`, the sentences that every output shows."""
    return {**card, "banner": banner(ModelFacts.from_card(card))}


def write(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``model.json`` of an export."""
    files.write_json(folder / CARD, card)


def plain(value: Any) -> Any:
    """Return a dataclass as a mapping for JSON; None for None."""
    return None if value is None else asdict(value)
