"""Cards of the Hugging Face Hub: YAML metadata, followed by Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tasks.runtime import templates
from tasks.runtime.corpus_facts import CorpusFacts

if TYPE_CHECKING:
    from huggingface_hub import CardData


def card(metadata: CardData, template: str, **values: Any) -> str:
    """Return a card with its metadata and a template of this package as its text."""
    return f"---\n{metadata.to_yaml()}\n---\n{templates.render(__package__, template, **values).rstrip()}\n"


def licence_link(learned: Iterable[CorpusFacts]) -> str | None:
    """Return the URL of the terms of use of recordings; None if it is unknown, or several corpora have several."""
    urls = {facts.licence.url if facts.licence else None for facts in learned}
    return urls.pop() if len(urls) == 1 else None
