"""Facts of a model as the page shows them: what it learned from, and how well it did in its test."""

from collections.abc import Mapping
from typing import Any

from tasks.prediction.fact_parts import LearnedCorpus
from tasks.prediction.facts import ModelFacts


def shown(facts: ModelFacts) -> dict[str, str]:
    """Return the facts of a model as texts by name; facts that its card does not state are left out."""
    found = {
        "Version": facts.id,
        "Network": f"{facts.architecture}, front end {facts.frontend}",
        "Segments": f"windows of {facts.duration_s:g} s" if facts.duration_s else None,
        "Learned from": "; ".join(map(_corpus, facts.corpora)),
        "Score in the test": _score(facts.scores.get("test") or {}),
        "Plausible classes": None
        if facts.conformal is None
        else f"hold the right one in {facts.conformal.coverage:.0%} of cases; several make a result uncertain",
    }
    return {name: text for name, text in found.items() if text}


def _corpus(corpus: LearnedCorpus) -> str:
    """Return the corpus with its size, its devices and the ages of its patients."""
    parts = []
    if corpus.recordings:
        parts.append(f"{corpus.recordings:,} recordings of {corpus.patients:,} patients ({corpus.hours:.1f} h)")
    if corpus.devices:
        parts.append(f"recorded with {', '.join(corpus.devices)}")
    if corpus.age_years:
        parts.append(f"aged {corpus.age_years[0]:g} to {corpus.age_years[1]:g} years")
    return ": ".join(filter(None, (corpus.title, ", ".join(parts))))


def _score(test: Mapping[str, Any]) -> str | None:
    """Return the strict Score with its interval, and the corpus of the test."""
    score = test.get("score_strict") or {}
    if score.get("value") is None:
        return None
    interval = "" if score.get("low") is None else f" ({score['low']:.1f} to {score['high']:.1f})"
    return f"{score['value']:.1f} %{interval}, on {test.get('corpus', 'the test patients')}"
