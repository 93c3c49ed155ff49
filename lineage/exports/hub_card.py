"""Cards of the Hugging Face Hub: YAML metadata, followed by Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.runtime import templates

if TYPE_CHECKING:
    from huggingface_hub import CardData


def card(metadata: CardData, template: str, **values: Any) -> str:
    """Return a card with its metadata and a template of this package as its text."""
    return f"---\n{metadata.to_yaml()}\n---\n{templates.render(__package__, template, **values).rstrip()}\n"
