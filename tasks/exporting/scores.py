"""Scores of an export: those of its student on validation and test patients, with intervals."""

from collections.abc import Mapping
from typing import Any

from models.file_names import SELECTION
from models.metrics import FIGURES


def of_student(card: Mapping[str, Any], metrics: Mapping[str, Any], seed: str) -> dict[str, Any]:
    """Return the entry `scores` of an export's card.

    Args:
        card: Content of the student's ``model.json``.
        metrics: Content of ``reports/metrics.json``.
        seed: Random seed of the student.

    Returns:
        ``validation``: figures of the chosen epoch; ``test``: figures on the test cycles with their intervals over
        patients; ``external``: the same on each external corpus, by its name.
    """
    return {
        "validation": card.get("selections", {}).get(SELECTION, {}),
        "test": _test(metrics, seed),
        "external": {name: _test(found, seed) for name, found in metrics.get("external", {}).items()},
    }


def _test(found: Mapping[str, Any], seed: str) -> dict[str, Any]:
    """Return the figures of one test, and the facts that say what was tested."""
    own = found["students"][seed][SELECTION]
    figures = {name: {"value": own[name], "low": own["low"][name], "high": own["high"][name]} for name in FIGURES}
    about = {key: found[key] for key in ("corpus", "identity", "comparable", "labels", "split")}
    counts = {key: found["test"][key] for key in ("cycles", "patients")}
    return about | counts | {"confidence": found["interval"]["confidence"], "degenerate": own["degenerate"]} | figures
