"""Decision about the promotion of a newly trained model."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flows import objections
from flows.new_recordings.defaults import STAGE
from flows.publish.scores import degenerate
from lineage.exports.request import ChangeProtocol

# Keys of metrics.json; scores with different values of them are not comparable.
COMPARABLE = ("labels", "split")


@dataclass(frozen=True)
class Decision:
    """Decision about the promotion, with the reason in one sentence."""

    promote: bool
    reason: str


def decide(
    metric: str,
    margin: float,
    scores: Mapping[str, Any],
    production_scores: Mapping[str, Any] | None,
    *,
    metrics: Mapping[str, Any] | None = None,
    production_metrics: Mapping[str, Any] | None = None,
    allowed: Collection[str] = (),
) -> Decision:
    """Decide by one metric whether a new model replaces the version in production.

    Args:
        metric: Key of the metric in the scores.
        margin: Maximum loss compared with the version in production, in points.
        scores: Scores of the new model, by dotted key.
        production_scores: Scores of the version in production; None without such a version.
        metrics: Content of `reports/metrics.json` for the new model.
        production_metrics: Content of `reports/metrics.json` for the version in production.
        allowed: Objections to the new model that the user accepts (`flows.objections`).
    """
    value = scores.get(metric)
    if value is None:
        return Decision(False, f"{metric} is not defined for the new model.")
    if clauses := objections.refused(objections.find(metrics or {}, metric.rpartition(".")[0]), allowed):
        return Decision(False, f"The new model is not fit for use: {'; '.join(clauses)}.")
    if production_scores is None:
        flag = _flag("new model", metrics or {}, metric)
        return Decision(True, f"{metric} is {value:.2f}, and no version is in production yet{flag}.")
    old = production_scores.get(metric)
    if old is None:
        return Decision(False, f"{metric} is not defined for the version in production: the models are not comparable.")
    new, production = metrics or {}, production_metrics or {}
    for key in COMPARABLE:
        if new.get(key) != production.get(key):
            values = f"{production.get(key)} in production, {new.get(key)} now"
            return Decision(False, f"The {key} differ ({values}): the models are not comparable.")
    reason = f"{metric} is {value:.2f}, and {old:.2f} in production ({value - old:+.2f}; allowed loss {margin:.2f})"
    if new.get("test") != production.get("test"):
        reason += "; the test cycles differ"
    reason += _flag("new model", new, metric) + _flag("version in production", production, metric)
    return Decision(round(old - value, 6) <= margin, reason + ".")


def protocol(metric: str, margin: float) -> ChangeProtocol:
    """Return the rule of `decide`, for the change control plan.

    Args:
        metric: Key of the metric in the scores.
        margin: Maximum loss compared with the version in production, in points.
    """
    refused = ("a model that learned from generated sounds", "a model that is degenerate on the test cycles")
    return ChangeProtocol(metric=metric, margin=margin, stage=STAGE, comparable=COMPARABLE, objections=refused)


def _flag(which: str, metrics: Mapping[str, Any], metric: str) -> str:
    """Return a clause that tells how a model is degenerate; empty if it is not."""
    flag = degenerate(metrics, metric.rpartition(".")[0])
    return f"; the {which} is degenerate: {flag}" if flag else ""
