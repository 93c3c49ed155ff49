"""Mel energies of signals, by the definitions of Kaldi or of librosa, as a module of torch."""

import torch
from torch import Tensor, nn

from models.frontends.definitions import MelSpectrum
from models.frontends.filters import blocks, centres, filters, window

FRAMES_AT_ONCE = 200  # frames whose spectra fit into a processor's cache


class MelEnergies(nn.Module):
    """Frames, (power of a) Hann window, power spectrum, and triangular mel filters.

    The filters are kept as a band of small dense blocks (`models.frontends.filters.blocks`).

    Args:
        spectrum: Constants of frames, spectra and filters.
        sample_rate: Sample rate in Hz.

    Attributes:
        hertz: Centre of each filter in Hz, ``(mels,)``.
    """

    window: Tensor

    def __init__(self, spectrum: MelSpectrum, sample_rate: int) -> None:
        super().__init__()
        self.shift, self.fft = spectrum.shift, spectrum.fft
        self.hertz = centres(spectrum, sample_rate)
        dtype = torch.float64 if spectrum.double else torch.float32
        self.register_buffer("window", torch.from_numpy(window(spectrum)).to(dtype), persistent=False)
        self.blocks: list[tuple[int, int, str]] = []
        for first, low, high, block in blocks(filters(spectrum, sample_rate)):
            self.blocks.append((low, high, f"filters_{first}"))
            self.register_buffer(f"filters_{first}", torch.from_numpy(block).to(dtype), persistent=False)

    def forward(self, signals: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return the mel energies (batch, frames, mels) of signals (batch, samples).

        Args:
            signals: Signals that are cut into frames; a rest that fills no frame is left out.
            offsets: Number (batch, frames, 1) that is subtracted from each frame.
        """
        frames = signals.unfold(1, self.window.shape[0], self.shift)
        energies = []
        for first in range(0, frames.shape[1], FRAMES_AT_ONCE):
            some = slice(first, first + FRAMES_AT_ONCE)
            block = frames[:, some] if offsets is None else frames[:, some] - offsets[:, some]
            squares = torch.view_as_real(torch.fft.rfft(block * self.window, n=self.fft)).square()
            power = squares[..., 0] + squares[..., 1]
            energies.append(
                torch.cat([power[..., low:high] @ self.get_buffer(n) for low, high, n in self.blocks], dim=-1)
            )
        return torch.cat(energies, dim=1)
