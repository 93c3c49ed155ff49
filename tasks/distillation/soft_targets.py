"""Soft labels from the logits of teachers (Toikkanen & Kim, INTERSPEECH 2025, arXiv 2505.22027)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch

from tasks.runtime.errors import BreathlineError
from tasks.training.teachers import ChoiceSettings

Logits = npt.NDArray[np.float32]
SoftLabels = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SoftLabelSettings(ChoiceSettings):
    """Choice and combination of teachers."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    temperature: float = 1.0  # divisor of the logits for `mean` and `random`; 1 as published
    # `mean`: mean of the logits. `random`: one of the k teachers at each use of a cycle. Two controls use no logits of
    # the cycle and no temperature. `label_noise`: hard label with Gaussian noise of `noise_variance`. `teacher_noise`:
    # the same, with the variance of the logits of the k teachers per class.
    combination: Literal["mean", "random", "label_noise", "teacher_noise"] = "mean"
    # Variance of `label_noise`, for all classes or for each. Published are 0.1 and the variances of thirty teachers,
    # (1.192, 0.906, 0.619, 0.358).
    noise_variance: float | tuple[float, ...] = 0.1
    seed: int = 0  # random seed of the noise

    def __post_init__(self) -> None:
        variances = self.noise_variance if isinstance(self.noise_variance, tuple) else (self.noise_variance,)
        if not (self.k >= 1 and self.temperature > 0 and all(variance >= 0 for variance in variances)):
            raise ValueError("k and temperature must be positive, and noise_variance must not be negative")
        if self.combination == "teacher_noise" and self.k < 2:
            raise ValueError("teacher_noise needs the variance of k teachers: k must be 2 or more")
        if self.combination.endswith("noise") and self.temperature != 1:
            raise ValueError(f"{self.combination} uses no logits: its temperature must be 1.0")


def soften(logits: npt.NDArray[Any], temperature: float = 1.0) -> SoftLabels:
    """Return softmax(logits / T) over the last axis, as float32."""
    soft: SoftLabels = (torch.from_numpy(logits.astype(np.float64)) / temperature).softmax(dim=-1).float().numpy()
    return soft


def combine(logits: Sequence[Logits], temperature: float = 1.0) -> SoftLabels:
    """Return soft labels ``(cycles, classes)``: softmax of the mean logits over T."""
    return soften(np.mean(np.stack(logits).astype(np.float64), axis=0), temperature)


def select(logits: Mapping[str, Logits], unseen: Mapping[str, npt.NDArray[np.bool_]], k: int) -> Logits:
    """Return for each cycle the logits of the first k teachers that may label it: ``(k, cycles, classes)``.

    Args:
        logits: Logits ``(cycles, classes)`` of the chosen teachers, in order.
        unseen: Cycles ``(cycles,)`` that each teacher may label.
        k: Number of teachers for a cycle.

    Raises:
        BreathlineError: Fewer than k teachers may label a cycle.
    """
    stacked = np.stack(list(logits.values()))
    allowed = np.stack([unseen[name] for name in logits])
    short = int((allowed.sum(axis=0) < k).sum())
    if short:
        raise BreathlineError(
            f"{short} cycles have fewer than {k} teachers that did not train on their patients.",
            where="params.yaml: teachers, fold",
            hint="add teachers for every fold",
        )
    return np.take_along_axis(stacked, first_allowed(allowed, k)[:, :, None], axis=0)


def first_allowed(allowed: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.intp]:
    """Return for each cycle the first k teachers ``(k, cycles)`` that may label it, of ``(teachers, cycles)``."""
    return np.argsort(~allowed, axis=0, kind="stable")[:k]


def candidates(logits: Logits, labels: npt.NDArray[np.int64], settings: SoftLabelSettings) -> SoftLabels:
    """Return the soft labels ``(cycles, candidates, classes)``; one candidate is drawn at each use of a cycle.

    Args:
        logits: Logits ``(k, cycles, classes)`` of the teachers that label a cycle.
        labels: Class indices ``(cycles,)``.
        settings: Combination of the teachers.

    Raises:
        BreathlineError: The number of variances is not the number of classes.
    """
    if settings.combination == "mean":
        return combine(list(logits), settings.temperature)[:, None]
    if settings.combination == "random":
        return np.ascontiguousarray(soften(logits, settings.temperature).transpose(1, 0, 2))
    classes = logits.shape[2]
    if settings.combination == "teacher_noise":
        variance = logits.astype(np.float64).var(axis=0).mean(axis=0)
    elif isinstance(settings.noise_variance, tuple) and len(settings.noise_variance) != classes:
        raise BreathlineError(
            f"There are {len(settings.noise_variance)} variances for {classes} classes.",
            where="params.yaml: soft_labels.noise_variance",
            hint="give one number, or as many as there are classes",
        )
    else:
        variance = np.broadcast_to(np.asarray(settings.noise_variance), classes)
    return noisy(labels, variance, seed=settings.seed)[:, None]


def noisy(labels: npt.NDArray[np.int64], variance: npt.NDArray[np.float64], *, seed: int) -> SoftLabels:
    """Return hard labels with Gaussian noise ``(cycles, classes)``, clipped at zero and normalised to sum 1.

    The publication gives only the variances. A cycle without a positive value keeps its hard label.
    """
    generator = np.random.default_rng(seed)
    exact = np.eye(len(variance))[labels]
    soft = np.clip(exact + generator.normal(0, np.sqrt(variance), exact.shape), 0, None)
    soft = np.where(soft.sum(axis=1, keepdims=True) > 0, soft, exact)
    normalised: SoftLabels = (soft / soft.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised
