"""Normalisation by the recordings of a device that are predicted together."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from models.training.normalization import Means, Offsets, frame_means
from tasks.audio import reading
from tasks.checks.settings import UnusableLimits
from tasks.prediction.recordings import Model, read_excerpts, several_needed
from tasks.runtime.errors import BreathlineError


def offsets(model: Model, wavs: Sequence[Path], limits: UnusableLimits) -> dict[Path, Offsets]:
    """Return the offsets ``(excerpts, mels)`` of each recording, for a model that normalises by device; else nothing.

    All recordings count as those of one device. Recordings that are not usable or cannot be read are left out;
    `tasks.prediction.recordings.predict` gives the reasons.

    Args:
        model: Model that predicts.
        wavs: Paths of the recordings that are predicted together.
        limits: Limits of usable recordings.

    Raises:
        BreathlineError: Fewer than two recordings are usable.
    """
    if model.normalization is None or not model.normalization.needs_device:
        return {}
    means: dict[Path, Means] = {}
    for wav in wavs:
        with suppress(BreathlineError), reading.enough_memory(wav):
            _, found, _ = read_excerpts(model, wav, limits)
            if found is not None:
                means[wav] = frame_means(found.numpy())
    if len(means) < 2:
        raise several_needed(model, len(means))
    recordings = [str(wav) for wav, rows in means.items() for _ in rows]
    together = model.normalization.offsets(np.concatenate(list(means.values())), recordings, [""] * len(recordings))
    ends = np.cumsum([len(rows) for rows in means.values()])
    return dict(zip(means, np.split(together, ends[:-1]), strict=True))
