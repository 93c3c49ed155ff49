"""Gain, equalisation and white noise of waveforms, applied to their features.

The waveform x becomes g h * x + σ n with g ~ U(1 − gain, 1 + gain), a random filter h and n ~ N(0, 1). Each of the
three is applied to a fraction of the samples. Gain and noise are the augmentations of work (c). The front ends are
linear up to their energies: an energy E becomes g² |H|² E + σ² N + a cross term, where N is the energy of n and |H| the
magnitude response of h. Gain and equalisation are exact, except for energies at the front end's floor, which count as
silence. N is taken from the front end's features of white noise, and so are its variance and correlations.

The cross term is 2 σ ρ √(g² |H|² E N), where ρ from −1 to 1 is the correlation of clip and noise in a frame and mel
bin. The features of the clip do not determine ρ. It is taken from white noise and a second white noise in place of the
clip. Its distribution and its correlations over frames and mel bins are therefore those of a noise-like clip. Without
the cross term, the energies of a clip that is 40 dB louder than the noise would vary by 4 % of what they should.

The equalisation imitates the frequency response of a device: a curve over the mel bins, constant over time. It has
random values U(−g, g) in dB at equally distant mel bins, and half a cosine wave between two of them.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.frontends.registry import create, find, sample_rates
from models.frontends.scales import Scale
from models.training.augmentation_settings import WaveformSettings
from models.training.transfers import to_device

KNOTS = 6  # mel bins at which the curve of the equalisation is drawn, the first and the last one included
NOISE_S, NOISE_SEED = 60.0, 0  # seconds and seed of the noise, equal in every training


class WaveformAugmentation:
    """Augmentation of features by gain, equalisation and noise of the waveform.

    Raises:
        ValueError: The front end's features do not determine the energies.
    """

    def __init__(self, settings: WaveformSettings, frontend: str) -> None:
        self.settings = settings
        self._is_off = not (settings.gain or settings.equalization_db or settings.noise_sd)
        if self._is_off:
            return
        self.scale = scale_of(frontend)
        self.noise = Noise.of(frontend) if settings.noise_sd else None

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Return augmented features ``(batch, frames, mels)``; the generator is on the CPU."""
        settings, (batch, frames, mels) = self.settings, features.shape
        if self._is_off:
            return features
        energies = self.scale.energies(features)
        if settings.gain:
            uniform, gate = torch.rand((2, batch), generator=generator)
            gains = (1 + settings.gain * (2 * uniform - 1)).where(gate < settings.probability, 1.0)
            energies = energies * to_device(gains.square(), features.device)[:, None, None]
        if settings.equalization_db:
            decibels = settings.equalization_db * curves(batch, mels, generator)
            gate = torch.rand((batch, 1), generator=generator) < settings.probability
            powers = 10 ** (decibels * gate / 10)
            energies = energies * to_device(powers, features.device)[:, None, :]
        if self.noise is not None:
            self.noise = self.noise.to(features.device)
            starts = torch.randint(len(self.noise.energies), (batch, 1), generator=generator)
            gate = torch.rand((batch, 1, 1), generator=generator) < settings.probability
            rows = to_device((starts + torch.arange(frames)) % len(self.noise.energies), features.device)
            powers = to_device(gate * settings.noise_sd**2, features.device)
            energies = self.noise.added(energies, rows, powers)
        return self.scale.values(energies)


def curves(number: int, mels: int, generator: torch.Generator) -> Tensor:
    """Draw smooth curves ``(number, mels)`` over the mel bins with values from −1 to 1.

    Args:
        number: Number of curves.
        mels: Number of mel bins.
        generator: Random generator on the CPU.
    """
    knots = 2 * torch.rand((number, KNOTS), generator=generator) - 1
    position = torch.linspace(0, KNOTS - 1, mels)
    left = position.long().clamp(max=KNOTS - 2)
    weight = (1 - torch.cos(math.pi * (position - left))) / 2
    return torch.lerp(knots[:, left], knots[:, left + 1], weight)


def scale_of(frontend: str) -> Scale:
    """Return the scale from mel energies to the features of a front end.

    Raises:
        ValueError: The front end has none; the error lists the front ends that have one.
    """
    if (scale := find(frontend).scale) is None:
        known = ", ".join(name for name in sample_rates() if find(name).scale is not None)
        raise ValueError(
            f"Gain, equalisation and noise of waveforms are not defined on features of the front end {frontend}, only "
            f"of {known}: set waveform.gain, waveform.equalization_db and waveform.noise_sd to 0."
        )
    return scale


@dataclass(frozen=True)
class Noise:
    """White noise with standard deviation 1, as a front end shows it."""

    energies: Tensor  # mel energies N `(frames, mels)`
    correlations: Tensor  # correlations ρ `(frames, mels)` with another sound, from −1 to 1

    @classmethod
    def of(cls, frontend: str) -> "Noise":
        """Return one minute of noise.

        Mel energies are quadratic in the waveform: Q(v + n) − Q(v − n) is four times the product of v and n that
        belongs to Q. This product divided by √(Q(v) Q(n)) is the correlation.

        Args:
            frontend: Name of a front end that has a scale.
        """
        front_end, scale = create(frontend, NOISE_S), scale_of(frontend)
        noise, other = torch.randn((2, front_end.samples), generator=torch.Generator().manual_seed(NOISE_SEED))
        with torch.inference_mode():
            values = front_end(torch.stack([noise, other, other + noise, other - noise]))
        own, others, total, difference = scale.energies(values.clone())
        correlations = (total - difference) / (4 * (own * others).sqrt())
        return cls(own, correlations.nan_to_num(0.0).clamp(-1, 1))  # a mel bin without energy has no correlation

    def to(self, device: torch.device) -> "Noise":
        """Return the noise on a device."""
        return Noise(self.energies.to(device), self.correlations.to(device))

    def added(self, energies: Tensor, rows: Tensor, powers: Tensor) -> Tensor:
        """Return the energies ``(batch, frames, mels)`` of clips with noise.

        Args:
            energies: Energies of the clips.
            rows: Frames of the noise ``(batch, frames)`` for each frame of the clips.
            powers: Variance of each clip's noise, ``(batch, 1, 1)``.
        """
        noise = powers * self.energies[rows]
        cross = 2 * (energies * noise).sqrt() * self.correlations[rows]
        return (energies + noise + cross).clamp_min(0)  # below 0 by rounding only
