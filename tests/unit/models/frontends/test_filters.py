"""Mel filters against those of torchaudio."""

import numpy as np
import pytest
from torchaudio.compliance import kaldi
from torchaudio.functional import melscale_fbanks

from models.frontends.definitions import DEFINITIONS
from models.frontends.filters import blocks, filters
from models.frontends.registry import sample_rates


@pytest.mark.parametrize("name", DEFINITIONS)
def test_filters_are_torchaudios(name):
    spectrum, rate = DEFINITIONS[name].spectrum, sample_rates()[name]
    high = spectrum.high_hz or rate / 2
    if spectrum.convention == "kaldi":
        banks, _ = kaldi.get_mel_banks(spectrum.mels, spectrum.fft, rate, spectrum.low_hz, high, 100.0, -500.0, 1.0)
        wanted = np.pad(banks.numpy().T, ((0, 1), (0, 0)))
    else:
        bins = spectrum.fft // 2 + 1
        wanted = melscale_fbanks(bins, spectrum.low_hz, high, spectrum.mels, rate, "slaney", "slaney").numpy()
    found = filters(spectrum, rate)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * wanted.max())
    np.testing.assert_array_equal(found > 0, wanted > 0)


def test_blocks_hold_every_coefficient():
    matrix = filters(DEFINITIONS["ast"].spectrum, 16_000)
    whole = np.zeros_like(matrix)
    for first, low, high, block in blocks(matrix):
        whole[low:high, first : first + block.shape[1]] = block
    np.testing.assert_array_equal(whole, matrix)
