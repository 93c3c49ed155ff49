"""Decision rules: the class that a model predicts from its probabilities; frozen in ``model.json``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

KEY = "decision_rules"  # of ``model.json``: a rule for each selection; missing in models of earlier versions

RuleName = Literal["argmax", "threshold", "sensitivity"]
Chosen = Literal["strict", "lenient"]  # Score by which a threshold was chosen


def classify(probabilities: npt.NDArray[Any], threshold: float | None) -> npt.NDArray[np.int64]:
    """Return the predicted classes ``(...)``.

    Without a threshold τ, a cycle has its most probable class. With τ, it is normal if p(normal) ≥ τ, and otherwise has
    the most probable one of the other classes. Of equally probable classes, the first is taken.

    Args:
        probabilities: Probabilities ``(..., classes)``, the normal class first.
        threshold: Threshold τ, from 0 to 1; None for the most probable class.
    """
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=-1))
    normal = probabilities[..., 0].astype(np.float64) >= threshold
    return np.where(normal, 0, 1 + probabilities[..., 1:].argmax(axis=-1))


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """Decision rule of a model, and what else was chosen on its validation patients.

    Thresholds apply to the probabilities of the network itself, not to those divided by the temperature.
    """

    rule: RuleName = "argmax"
    threshold: float | None = None  # threshold of the rule; None: the most probable class
    strict: float | None = None  # threshold of the best strict Score, for whatever rule
    lenient: float | None = None  # threshold of the best lenient Score, for whatever rule
    temperature: float | None = None  # divisor of the logits that calibrates the probabilities
    target: float | None = None  # Se in percent that the rule `sensitivity` was to reach
    reached: float | None = None  # Se in percent that it reaches on the validation patients

    def predict(self, probabilities: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the predicted classes ``(...)`` of probabilities ``(..., classes)``."""
        return classify(probabilities, self.threshold)

    def with_threshold(self, chosen: Chosen | None) -> "DecisionRule":
        """Return a copy that applies the threshold of a Score; None for the most probable class."""
        if chosen is None:
            return replace(self, rule="argmax", threshold=None, target=None, reached=None)
        return replace(self, rule="threshold", threshold=getattr(self, chosen), target=None, reached=None)

    def card(self) -> dict[str, Any]:
        """Return the entry of ``model.json``."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any], selection: str, corpus: str | None = None) -> "DecisionRule":
        """Return the rule that a ``model.json`` describes; the most probable class if it describes none.

        Args:
            card: Content of ``model.json``.
            selection: Selection of the epoch.
            corpus: Corpus whose head's own classes are predicted; None for the shared classes.
        """
        described = card if corpus is None else card.get("heads", {}).get(corpus, {})
        given = described.get(KEY, {}).get(selection, {})
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})


def of_ensemble(members: Sequence[DecisionRule]) -> DecisionRule:
    """Return the rule of an ensemble: the most probable class, or the mean threshold if all members have one.

    An ensemble has no temperature, because its logits are means.
    """
    applied = _mean([member.threshold for member in members])
    return DecisionRule(
        rule="argmax" if applied is None else "threshold",
        threshold=applied,
        strict=_mean([member.strict for member in members]),
        lenient=_mean([member.lenient for member in members]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean, rounded to four digits; None if a value is missing or there is none."""
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known and len(known) == len(values) else None
