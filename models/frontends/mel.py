"""Mel energies of signals, by the definitions of Kaldi or of librosa."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 16  # mel bins of a block of filters
Convention = Literal["kaldi", "librosa"]
FRAMES_AT_ONCE = 200  # frames whose spectra fit into a processor's cache


class MelEnergies(nn.Module):
    """Frames, (power of a) Hann window, power spectrum, and triangular mel filters.

    A filter covers few of the spectrum's bins. The filters are kept as a band of small dense blocks of 16 neighbours,
    which need an eighth of the multiplications of the whole matrix. Unlike a sparse product this gives the same result
    on every device.

    Args:
        mels: Number of filters.
        window: Length of a frame in samples.
        shift: Distance between two frames in samples.
        fft: Length of the Fourier transform in samples.
        sample_rate: Sample rate in Hz.
        low_hz: Lower end of the lowest filter in Hz.
        high_hz: Upper end of the highest filter in Hz.
        convention: Definition of window and filters. ``kaldi``: symmetric window, triangles in mels of height 1.
            ``librosa``: periodic window, triangles in Hz of area 1 on Slaney's mel scale.
        taper: Power of the Hann window; 0.85 gives Kaldi's own window, "povey".
        dtype: Floating-point type of the signals and of the computation.

    Attributes:
        hertz: Centre of each filter in Hz, ``(mels,)``.
    """

    window: Tensor

    def __init__(
        self,
        mels: int,
        *,
        window: int,
        shift: int,
        fft: int,
        sample_rate: int,
        low_hz: float,
        high_hz: float,
        convention: Convention = "kaldi",
        taper: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.shift, self.fft = shift, fft
        self.hertz = centres(mels, low_hz, high_hz, convention)
        hann = torch.hann_window(window, periodic=convention == "librosa", dtype=dtype)
        self.register_buffer("window", hann.pow(taper), persistent=False)
        # Imported here: a machine that only trains needs the front ends' modules, but not torchaudio.
        if convention == "kaldi":
            from torchaudio.compliance import kaldi

            banks, _ = kaldi.get_mel_banks(mels, fft, sample_rate, low_hz, high_hz, 100.0, -500.0, 1.0)  # no VTLN: 1.0
            matrix = F.pad(banks, (0, 1)).T
        else:
            from torchaudio.functional import melscale_fbanks

            matrix = melscale_fbanks(fft // 2 + 1, low_hz, high_hz, mels, sample_rate, "slaney", "slaney")
        self.blocks: list[tuple[int, int, str]] = []
        for first in range(0, mels, WIDTH):
            columns = matrix[:, first : first + WIDTH]
            used = columns.any(dim=1).nonzero()
            low, high, name = int(used.min()), int(used.max()) + 1, f"filters_{first}"
            self.blocks.append((low, high, name))
            self.register_buffer(name, columns[low:high].to(dtype).contiguous(), persistent=False)

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


def centres(mels: int, low_hz: float, high_hz: float, convention: Convention) -> npt.NDArray[np.float64]:
    """Return the centres of the filters in Hz: evenly spaced in mels.

    Kaldi's mel scale is 1127 ln(1 + f / 700). Slaney's is linear up to 1 kHz and logarithmic above.

    Args:
        mels: Number of filters.
        low_hz: Lower end of the lowest filter in Hz.
        high_hz: Upper end of the highest filter in Hz.
        convention: Definition of the mel scale.
    """
    hertz = np.linspace(low_hz, high_hz, 100_001)
    if convention == "kaldi":
        scale = 1127 * np.log1p(hertz / 700)
    else:
        scale = np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1) / 1000) / np.log(6.4))
    return np.interp(np.linspace(scale[0], scale[-1], mels + 2)[1:-1], scale, hertz)
