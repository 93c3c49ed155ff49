"""Scales from mel energies to features, and their inverse."""

import math

import pytest
import torch

from models.frontends.registry import find, sample_rates

SCALES = {name: scale for name in sample_rates() if (scale := find(name).scale) is not None}


def test_values_by_hand():
    energies = torch.tensor([0.0, 1.0, math.e**2])
    ast = [math.log(2**-23), 0.0, 2.0]  # Kaldi's floor is the smallest step of float32 at 1
    torch.testing.assert_close(
        SCALES["ast"].values(energies), torch.tensor([(value + 4.2677393) / (2 * 4.5689974) for value in ast])
    )
    efficientat = [math.log(value + 1e-5) for value in energies.tolist()]
    torch.testing.assert_close(
        SCALES["efficientat"].values(energies), torch.tensor([(value + 4.5) / 5 for value in efficientat])
    )
    panns = torch.tensor([-100.0, 0.0, 20 * math.log10(math.e)])
    torch.testing.assert_close(SCALES["panns"].values(energies), panns)


@pytest.mark.parametrize("name", SCALES)
def test_energies_are_restored_from_float16_and_silence_is_zero(name):
    energies = torch.logspace(-3, 6, 50)
    back = SCALES[name].energies(SCALES[name].values(energies).half().float())
    assert ((back / energies).log().abs() < 0.011).all()
    silence = SCALES[name].energies(SCALES[name].values(torch.zeros(3)).half().float())
    assert (silence < 1e-7).all()
