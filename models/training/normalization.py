"""Normalisation of features by the means of recordings or devices, without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self, get_args

import numpy as np
import numpy.typing as npt

from models.training.settings import Level, NormalizationSettings, Spectrum

Means = npt.NDArray[np.float64]
Offsets = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CycleSources:
    """Recordings and devices of the cycles that are normalised together."""

    cycles: Sequence[str]  # ids of the cycles
    recordings: Sequence[str]  # recording of each cycle
    devices: Sequence[str]  # device of each cycle


@dataclass(frozen=True)
class Normalization:
    """Normalisation of the input of a network: means of recordings or devices become those of its training cycles.

    A level is the mean over frames and mel bins, a spectrum the mean over frames. Features are logarithms of energies,
    so that a gain shifts the level, and the frequency response of a device shifts the spectrum.
    """

    settings: NormalizationSettings
    mean: Means  # mean features of the training cycles `(mels,)`

    @classmethod
    def fit(cls, settings: NormalizationSettings, means: Means) -> Self:
        """Return the normalisation for a training.

        Args:
            settings: Settings of the normalisation.
            means: Mean features ``(cycles, mels)`` of the training cycles over their frames.
        """
        return cls(settings, means.mean(axis=0))

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Self | None:
        """Return the normalisation of a trained network; None if the network takes features as they are.

        Args:
            card: Content of ``model.json``.

        Raises:
            ValueError: The normalisation is damaged, or of a later version.
        """
        if "normalization" not in card:
            return None
        given = card["normalization"]
        known = {"level": get_args(Level), "spectrum": get_args(Spectrum)}
        if (
            not isinstance(given, Mapping)
            or {*known, "mean"} != set(given)
            or any(given[key] not in values for key, values in known.items())
            or np.shape(given["mean"]) != (card["mels"],)
        ):
            raise ValueError("The `normalization` of model.json is damaged, or of a later version of Breathline.")
        settings = NormalizationSettings(**{key: given[key] for key in known})
        return cls(settings, np.array(given["mean"], dtype=np.float64))

    @property
    def needs_device(self) -> bool:
        """True if the normalisation of a recording needs the other recordings of its device."""
        return self.settings.spectrum == "device_of_the_data"

    def card(self) -> dict[str, Any]:
        """Return the value of ``normalization`` in ``model.json``."""
        return {**asdict(self.settings), "mean": self.mean.tolist()}

    def offsets(self, means: Means, recordings: Sequence[str], devices: Sequence[str]) -> Offsets:
        """Return the numbers ``(cycles, mels)`` that are added to all frames of each cycle.

        Args:
            means: Mean features ``(cycles, mels)`` of the cycles over their frames.
            recordings: Recording of each cycle.
            devices: Device of each cycle.
        """
        added = np.zeros_like(means)
        if self.settings.level == "recording":
            added += self.mean.mean() - group_means(means.mean(axis=1, keepdims=True), recordings)
        if self.settings.spectrum != "none":
            groups = recordings if self.settings.spectrum == "recording" else devices
            added += self.mean - group_means(means + added, groups)
        return added.astype(np.float32)


def frame_means(features: npt.NDArray[np.float16]) -> Means:
    """Return the mean ``(cycles, mels)`` of features ``(cycles, frames, mels)`` over their frames.

    Sums of float16 values are exact in float64, so that the means do not depend on the order of the frames.
    """
    means: Means = features.mean(axis=1, dtype=np.float64)
    return means


def group_means(values: Means, groups: Sequence[str]) -> Means:
    """Return for each row of values ``(rows, columns)`` the mean of all rows of its group."""
    _, index, counts = np.unique(np.asarray(groups, dtype=object), return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, index, values)
    means: Means = (sums / counts[:, None])[index]
    return means
