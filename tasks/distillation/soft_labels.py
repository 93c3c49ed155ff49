"""Soft labels from the logits of teachers (Toikkanen & Kim, INTERSPEECH 2025, arXiv 2505.22027)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tasks.distillation.settings import SoftLabelSettings
from tasks.runtime.errors import BreathlineError

Logits = npt.NDArray[np.float32]
SoftLabels = npt.NDArray[np.float32]


def soften(logits: npt.NDArray[Any], temperature: float = 1.0) -> SoftLabels:
    """Return softmax(logits / T) over the last axis as float32, of the same shape; T is the temperature."""
    soft: SoftLabels = (torch.from_numpy(logits.astype(np.float64)) / temperature).softmax(dim=-1).float().numpy()
    return soft


def combine(logits: Sequence[Logits], temperature: float = 1.0) -> SoftLabels:
    """Return soft labels ``(cycles, classes)``: softmax of the mean logits, divided by the temperature.

    Args:
        logits: Logits ``(cycles, classes)`` of each teacher.
        temperature: Divisor T of the logits, above 0.
    """
    return soften(np.mean(np.stack(logits).astype(np.float64), axis=0), temperature)


def select(logits: Mapping[str, Logits], allowed: Mapping[str, npt.NDArray[np.bool_]], k: int) -> Logits:
    """Return for each cycle the logits of the first k teachers that may label it: ``(k, cycles, classes)``.

    Args:
        logits: Logits ``(cycles, classes)`` of the chosen teachers, in the order of preference.
        allowed: Mask ``(cycles,)`` of the cycles that each teacher may label.
        k: Number of teachers for a cycle.

    Raises:
        BreathlineError: Fewer than k teachers may label a cycle.
    """
    stacked = np.stack(list(logits.values()))
    masks = np.stack([allowed[name] for name in logits])
    unlabelled = int((masks.sum(axis=0) < k).sum())
    if unlabelled:
        raise BreathlineError(
            f"{unlabelled} cycles have fewer than {k} teachers that did not train on their patients.",
            where="params.yaml: teachers, fold",
            hint="add teachers for every fold",
        )
    return np.take_along_axis(stacked, first_allowed(masks, k)[:, :, None], axis=0)


def first_allowed(allowed: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.intp]:
    """Return for each cycle the indices ``(k, cycles)`` of the first k teachers that may label it.

    Args:
        allowed: Mask ``(teachers, cycles)``: whether a teacher may label a cycle.
        k: Number of teachers for a cycle.
    """
    return np.argsort(~allowed, axis=0, kind="stable")[:k]


def candidates(logits: Logits, labels: npt.NDArray[np.int64], settings: SoftLabelSettings) -> SoftLabels:
    """Return the soft labels ``(cycles, candidates, classes)``; training draws one candidate at each use of a cycle.

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

    Args:
        labels: Class indices ``(cycles,)``.
        variance: Variance of the noise of each class, ``(classes,)``.
        seed: Random seed of the noise.
    """
    generator = np.random.default_rng(seed)
    hard = np.eye(len(variance))[labels]
    soft = np.clip(hard + generator.normal(0, np.sqrt(variance), hard.shape), 0, None)
    soft = np.where(soft.sum(axis=1, keepdims=True) > 0, soft, hard)
    normalised: SoftLabels = (soft / soft.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised
