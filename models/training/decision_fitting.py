"""Choice of a decision rule on validation patients: thresholds and temperature."""

import logging
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy

from models.decision_rules import Chosen, DecisionRule, classify
from models.metrics import confusion_by_patient, figures
from models.training.settings import DecisionSettings

log = logging.getLogger(__name__)
THRESHOLDS = np.round(np.linspace(0.05, 0.95, 91), 2)  # as in M2D2
EQUAL = 1e-9  # percent; Scores that differ less are equal
LARGEST_TEMPERATURE = 20.0  # and its inverse is the smallest
DIGITS = 4  # of a temperature

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[Any]


def fit(
    logits: npt.NDArray[np.float32], labels: Labels, patients: Labels, settings: DecisionSettings
) -> tuple[DecisionRule, dict[str, float]]:
    """Return the decision rule, and the loss (mean negative log-likelihood) with and without its temperature.

    Args:
        logits: Logits ``(cycles, classes)`` of the validation cycles.
        labels: Class indices ``(cycles,)``.
        patients: Index of each cycle's patient ``(cycles,)``.
        settings: Settings of the rule.
    """
    probabilities = torch.from_numpy(logits).double().softmax(dim=1).float().numpy()
    matrices = _matrices(labels, probabilities, patients)
    chosen: dict[Chosen, float | None] = {"strict": _best(matrices, "strict"), "lenient": _best(matrices, "lenient")}
    threshold, target, reached = None, None, None
    if settings.rule == "threshold":
        threshold = chosen[settings.score]
    elif settings.rule == "sensitivity":
        target = settings.sensitivity
        threshold, reached = _sensitive(matrices, settings)
    if threshold is None and settings.rule != "argmax":
        log.warning("The validation cycles of one class give no threshold; the most probable class is predicted.")
    temperature = fit_temperature(logits, labels)
    rule = DecisionRule(
        rule="argmax" if threshold is None else settings.rule,
        target=target,
        reached=reached,
        threshold=threshold,
        strict=chosen["strict"],
        lenient=chosen["lenient"],
        temperature=temperature,
    )
    return rule, {"val_loss": _loss(logits, labels), "val_loss_scaled": _loss(logits, labels, temperature)}


def fit_temperature(logits: npt.NDArray[np.float32], labels: Labels) -> float:
    """Return the temperature T with the smallest loss of softmax(logits / T) (Guo et al., ICML 2017).

    T is between 1 / `LARGEST_TEMPERATURE` and `LARGEST_TEMPERATURE`: logits that separate the classes have no optimum.

    Args:
        logits: Logits ``(cycles, classes)``.
        labels: Class indices ``(cycles,)``.
    """
    given, truth = torch.from_numpy(logits).double(), torch.from_numpy(labels)
    position = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([position], max_iter=100, line_search_fn="strong_wolfe")

    def temperature() -> torch.Tensor:
        return torch.exp(math.log(LARGEST_TEMPERATURE) * torch.tanh(position))

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(given / temperature(), truth)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    return round(float(temperature().detach()), DIGITS)


def _loss(logits: npt.NDArray[np.float32], labels: Labels, temperature: float = 1.0) -> float:
    given = torch.from_numpy(logits).double() / temperature
    return round(float(cross_entropy(given, torch.from_numpy(labels))), 6)


def _matrices(labels: Labels, probabilities: Probabilities, patients: Labels) -> npt.NDArray[np.int64]:
    """Return the confusion matrices of each patient at each threshold ``(thresholds, patients, classes, classes)``."""
    size, classes = int(patients.max()) + 1, probabilities.shape[1]
    predicted = [classify(probabilities, threshold) for threshold in THRESHOLDS]
    return np.stack([confusion_by_patient(labels, one, patients, size=size, classes=classes) for one in predicted])


def _best(matrices: npt.NDArray[np.int64], score: Chosen) -> float | None:
    """Return the threshold of `THRESHOLDS` with the best Score; None without normal or without abnormal cycles.

    Of equal Scores, the best patient-macro Score decides: Sp and Se are then means over patients. Of the thresholds
    that remain, the one nearest to their median is taken, and the lower one of two.

    Args:
        matrices: Confusion matrices ``(thresholds, patients, classes, classes)``.
        score: Score to maximise.
    """
    total = figures(matrices.sum(axis=1))[f"score_{score}"]
    if np.isnan(total).any():
        return None
    by_patient = figures(matrices)
    macro = (np.nanmean(by_patient["sp"], axis=1) + np.nanmean(by_patient[f"se_{score}"], axis=1)) / 2
    best = total >= total.max() - EQUAL
    best &= macro >= macro[best].max() - EQUAL
    plateau = THRESHOLDS[best]
    distance = np.abs(plateau - np.median(plateau)).round(6)
    return float(plateau[distance.argmin()])


def _sensitive(matrices: npt.NDArray[np.int64], settings: DecisionSettings) -> tuple[float | None, float | None]:
    """Return the smallest threshold that reaches the sensitivity of the settings, or else the largest, and its Se.

    A higher threshold calls fewer cycles normal, so the smallest one has the highest specificity.
    """
    reached = figures(matrices.sum(axis=1))[f"se_{settings.score}"]
    if np.isnan(reached).any():
        return None, None
    enough = np.flatnonzero(reached >= settings.sensitivity - EQUAL)
    chosen = enough[0] if len(enough) else len(THRESHOLDS) - 1
    if not len(enough):
        _warn(settings, float(reached[chosen]))
    return float(THRESHOLDS[chosen]), round(float(reached[chosen]), 2)


def _warn(settings: DecisionSettings, reached: float) -> None:
    log.warning(
        "No threshold reaches a %s Se of %g %% on the validation patients. %g is taken, which reaches %.1f %%.",
        settings.score,
        settings.sensitivity,
        THRESHOLDS[-1],
        reached,
    )
