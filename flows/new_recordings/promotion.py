"""Whether a newly trained model may replace the one in production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METRIC = "val.student.score_strict"
MARGIN = 1.0
# Scores under different ones of these mean different things.
SAME = ("labels", "split")


@dataclass(frozen=True)
class Decision:
    """Whether to promote, and why, in a sentence."""

    promote: bool
    why: str


def decide(
    metric: str,
    margin: float,
    now: Mapping[str, Any],
    then: Mapping[str, Any] | None,
    *,
    measured: Mapping[str, Any] | None = None,
    measured_then: Mapping[str, Any] | None = None,
) -> Decision:
    """Return whether the chosen metric is high enough.

    Args:
        metric: Its key in the scores.
        margin: By how many points it may be lower than that of the version in production.
        now: The scores of the new model, by dotted key.
        then: Those of the version in production; None where there is none.
        measured: On what the new ones were measured: `reports/metrics.json`.
        measured_then: The same of the version in production.
    """
    value = now.get(metric)
    if value is None:
        return Decision(False, f"{metric} is not defined for the new model.")
    if then is None:
        return Decision(True, f"{metric} is {value:.2f}, and no version is in production yet.")
    old = then.get(metric)
    if old is None:
        return Decision(False, f"{metric} is not defined for the version in production: the two cannot be compared.")
    now_on, then_on = measured or {}, measured_then or {}
    for key in SAME:
        if now_on.get(key) != then_on.get(key):
            what = f"{then_on.get(key)} then and {now_on.get(key)} now"
            return Decision(False, f"The {key} differ ({what}): the two cannot be compared.")
    words = f"{metric} is {value:.2f}, and {old:.2f} in production ({value - old:+.2f}; {margin:.2f} may be lost)"
    if now_on.get("test") != then_on.get("test"):
        words += "; the test cycles are others than then"
    return Decision(round(old - value, 6) <= margin, words + ".")
