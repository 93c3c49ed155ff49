"""Freq-MixStyle: mixture of the frequency-wise statistics of two cycles.

Kim et al. (INTERSPEECH 2022, arXiv 2206.12513) describe devices by frequency-wise statistics. Schmid et al. (DCASE
2022) mix these, as MixStyle (Zhou et al., ICLR 2021, arXiv 2104.02008) mixes the statistics of channels.
"""

import torch
from torch import Tensor

from models.training.augmentation_settings import FreqMixStyleSettings
from models.training.randomness import numpy_generator
from models.training.transfers import to_device

EPSILON = 1e-6  # added to variances; a mel bin can be constant


class FreqMixStyle:
    """Exchange of device-like properties between the cycles of a batch, whose labels stay.

    With mean μ and standard deviation σ over the frames of each mel bin, x becomes σ′ (x − μ) / σ + μ′. Here
    μ′ = λ μ + (1 − λ) μ[perm], and σ′ in the same way. λ ~ Beta(α, α) is drawn for each cycle. A batch is changed as a
    whole, or not at all.
    """

    def __init__(self, settings: FreqMixStyleSettings) -> None:
        self.settings = settings

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Return augmented features ``(batch, frames, mels)``; the generator is on the CPU."""
        settings, batch = self.settings, len(features)
        if not settings.probability or torch.rand((), generator=generator) >= settings.probability:
            return features
        drawn = numpy_generator(generator).beta(settings.alpha, settings.alpha, batch)
        lam = to_device(torch.from_numpy(drawn).float(), features.device)[:, None, None]
        perm = to_device(torch.randperm(batch, generator=generator), features.device)
        variance, mean = torch.var_mean(features, dim=1, correction=0, keepdim=True)
        sd = (variance + EPSILON).sqrt()
        mixed_mean, mixed_sd = (torch.lerp(own[perm], own, lam) for own in (mean, sd))
        return (features - mean) / sd * mixed_sd + mixed_mean
