"""Mel energies by matrix products, for runtimes without a fast Fourier transform."""

import math

import torch
from torch import Tensor, nn

from models.frontends.mel import MelEnergies


class MatrixEnergies(nn.Module):
    """Mel energies of `MelEnergies` up to rounding; the Fourier transform is two small matrix products.

    A transform of length N = R · C splits an index as n = C · r + c and a bin as k = r' + R · q (Cooley and Tukey,
    1965): a product over r, a rotation by exp(−2πi c r' / N), and a product over c. Signals are real, so that
    r' = 0 … R / 2 with all q holds the power of every bin from 0 to N / 2, some of them twice.

    Args:
        energies: Mel energies of a front end.
    """

    window: Tensor
    first: Tensor
    turn_real: Tensor
    turn_imaginary: Tensor
    second: Tensor
    filters: Tensor

    def __init__(self, energies: MelEnergies) -> None:
        super().__init__()
        window, dtype = energies.window, energies.window.dtype
        self.shift, self.fft, self.length = energies.shift, energies.fft, window.shape[0]
        self.rows = 2 ** (int(math.log2(self.fft)) // 2)  # R
        self.columns = self.fft // self.rows  # C
        half = self.rows // 2 + 1
        r, c = torch.arange(self.rows), torch.arange(self.columns)
        first = _angles(r, r[:half], self.rows)
        second = _angles(c, c, self.columns)
        turn = _angles(c, r[:half], self.fft).T
        cosine, sine = second.cos(), -second.sin()
        bins = (r[:half, None] + self.rows * c).flatten()
        bins = torch.minimum(bins, self.fft - bins)
        constants: dict[str, Tensor] = {
            "window": window,
            "first": torch.cat([first.cos(), -first.sin()], dim=1),
            "turn_real": turn.cos(),
            "turn_imaginary": -turn.sin(),
            # of (real, imaginary) columns to (real, imaginary) bins
            "second": torch.cat([torch.cat([cosine, sine], dim=1), torch.cat([-sine, cosine], dim=1)]),
            "filters": _once(bins, _dense(energies)),
        }
        for name, value in constants.items():
            self.register_buffer(name, value.to(dtype).contiguous(), persistent=False)

    def forward(self, signals: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return the mel energies (batch, frames, mels) of signals (batch, samples); see `MelEnergies.forward`."""
        frames = framed(signals, self.length, self.shift)
        if offsets is not None:
            frames = frames - offsets
        frames = nn.functional.pad(frames * self.window, (0, self.fft - self.length))
        columns = frames.reshape(*frames.shape[:2], self.rows, self.columns).transpose(2, 3)  # (batch, frames, C, R)
        real, imaginary = (columns @ self.first).transpose(2, 3).chunk(2, dim=2)  # (batch, frames, R / 2 + 1, C)
        turned = torch.cat(
            [
                real * self.turn_real - imaginary * self.turn_imaginary,
                real * self.turn_imaginary + imaginary * self.turn_real,
            ],
            dim=3,
        )
        real, imaginary = (turned @ self.second).square().chunk(2, dim=3)
        energies: Tensor = (real + imaginary).flatten(2) @ self.filters
        return energies


def framed(signals: Tensor, length: int, shift: int) -> Tensor:
    """Return the frames ``(batch, frames, length)`` of signals ``(batch, samples)``; a rest is left out.

    It is `Tensor.unfold` made of slices of rows as long as the common divisor of length and shift. An exported graph
    then needs no table of indices.

    Args:
        signals: Signals of one length.
        length: Length of a frame in samples.
        shift: Distance between two frames in samples.
    """
    count = 1 + (signals.shape[1] - length) // shift
    width = math.gcd(length, shift)
    used = (count - 1) * shift + length
    rows = signals[:, :used].reshape(signals.shape[0], used // width, width)
    step = shift // width
    return torch.cat([rows[:, at : at + step * (count - 1) + 1 : step] for at in range(length // width)], dim=2)


def _angles(left: Tensor, right: Tensor, length: int) -> Tensor:
    """Return 2π · left · right / length ``(left, right)`` in float64, exact up to the last bit."""
    return (left[:, None] * right % length).double() * (2 * math.pi / length)


def _dense(energies: MelEnergies) -> Tensor:
    """Return all mel filters as one matrix ``(bins, mels)``."""
    blocks = [(low, high, energies.get_buffer(name)) for low, high, name in energies.blocks]
    matrix = blocks[0][2].new_zeros(energies.fft // 2 + 1, sum(block.shape[1] for *_, block in blocks))
    first = 0
    for low, high, block in blocks:
        matrix[low:high, first : first + block.shape[1]] = block
        first += block.shape[1]
    return matrix


def _once(bins: Tensor, filters: Tensor) -> Tensor:
    """Return the rows of filters for a list of bins; of a bin that is listed twice, the second row is zero."""
    rows = filters[bins]
    seen: set[int] = set()
    for row, number in enumerate(bins.tolist()):
        if number in seen:
            rows[row] = 0
        seen.add(number)
    return rows
