"""Objections to the promotion of a model: it learned from generated sounds, or is degenerate."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any

from tasks import artifacts
from tasks.runtime.errors import BreathlineError

STUDENT = "val.student"  # key of the model's scores


class Objection(StrEnum):
    """Name of an objection, as `--allow` takes it."""

    DEMO = "demo"
    DEGENERATE = "degenerate"


def find(metrics: Mapping[str, Any], model: str = STUDENT) -> dict[Objection, str]:
    """Return a clause for each objection to a model; none if its metrics are not known.

    Args:
        metrics: Content of ``reports/metrics.json``.
        model: Key of the model in the scores.
    """
    from flows.publish.scores import degenerate  # imports pydantic, and every command has the options of this module

    found: dict[Objection, str] = {}
    if metrics.get("generated"):
        found[Objection.DEMO] = "it learned from generated sounds and says nothing about real lungs"
    if (flag := degenerate(metrics, model)) is not None:
        found[Objection.DEGENERATE] = f"it is degenerate on the test cycles: {flag}"
    return found


def refused(found: Mapping[Objection, str], allowed: Collection[str]) -> list[str]:
    """Return the clauses of the objections that are not allowed."""
    return [clause for objection, clause in found.items() if objection not in allowed]


def check(metrics: Mapping[str, Any], allowed: Collection[str], *, where: object = artifacts.METRICS) -> None:
    """Refuse a model with an objection that is not allowed.

    Args:
        metrics: Content of ``reports/metrics.json``.
        allowed: Names of the objections that the user accepts.
        where: Model or file that the error names.

    Raises:
        BreathlineError: There is an objection that is not allowed.
    """
    found = find(metrics)
    if clauses := refused(found, allowed):
        options = _options(objection for objection in found if objection not in allowed)
        raise BreathlineError(
            f"The model is not fit for use: {'; '.join(clauses)}.",
            where=where,
            hint=f"train on real recordings, or another model; to try versions out: "
            f"`breathline registry promote {options}`",
        )


def _options(objections: Iterable[Objection]) -> str:
    return " ".join(f"--allow {one}" for one in objections)
