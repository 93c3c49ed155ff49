"""Power spectra to mel energies, skipping what is known to be zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.compliance import kaldi

WIDTH = 16  # mel bins per block


class MelBanks(nn.Module):
    """Kaldi's triangular mel filters, as a band of small dense blocks.

    A filter covers few of the spectrum's bins: 16 neighbouring filters need an eighth of the multiplications of the
    whole matrix, and unlike a sparse product this runs alike on every device.

    Args:
        mels: How many filters.
        fft: Length of the Fourier transform whose power spectra come in.
        sample_rate: In Hz.
        low_hz: Where the lowest filter begins.
        high_hz: Where the highest filter ends.
    """

    def __init__(self, mels: int, *, fft: int, sample_rate: int, low_hz: float, high_hz: float) -> None:
        super().__init__()
        banks, _ = kaldi.get_mel_banks(mels, fft, sample_rate, low_hz, high_hz, 100.0, -500.0, 1.0)  # no VTLN: 1.0
        matrix = F.pad(banks, (0, 1)).T
        self.spans: list[tuple[int, int]] = []
        for block, first in enumerate(range(0, mels, WIDTH)):
            columns = matrix[:, first : first + WIDTH]
            used = columns.any(dim=1).nonzero()
            low, high = int(used.min()), int(used.max()) + 1
            self.spans.append((low, high))
            self.register_buffer(f"block_{block}", columns[low:high].contiguous(), persistent=False)

    def forward(self, power: Tensor) -> Tensor:
        """Return the mel energies (…, mels) of power spectra (…, fft / 2 + 1)."""
        blocks = zip(self.spans, self.buffers(), strict=True)
        return torch.cat([power[..., low:high] @ block for (low, high), block in blocks], dim=-1)
