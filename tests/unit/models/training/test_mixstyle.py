"""Freq-MixStyle against its definition in plain NumPy."""

import numpy as np
import pytest
import torch

from models.training.augmentation_settings import FreqMixStyleSettings
from models.training.mixstyle import EPSILON, FreqMixStyle
from models.training.randomness import numpy_generator


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def features(batch: int = 6) -> torch.Tensor:
    values = torch.randn((batch, 30, 5), generator=seeded(0)) * torch.arange(1, 6) + torch.arange(batch)[:, None, None]
    values[:, :, 2] = -4.0  # a mel bin at the floor
    return values


def test_values_are_those_of_the_definition():
    given, settings = features(), FreqMixStyleSettings(probability=1.0, alpha=0.3)
    found = FreqMixStyle(settings)(given, seeded())
    random = seeded()
    torch.rand((), generator=random)
    lam = numpy_generator(random).beta(0.3, 0.3, 6)[:, None, None]
    perm = torch.randperm(6, generator=random).numpy()
    x = given.double().numpy()
    mean, sd = x.mean(1, keepdims=True), np.sqrt(x.var(1, keepdims=True) + EPSILON)
    wanted = (x - mean) / sd * (lam * sd + (1 - lam) * sd[perm]) + lam * mean + (1 - lam) * mean[perm]
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.abs(found.numpy() - x).max() > 0.5
    np.testing.assert_allclose(found[:, :, 2], -4.0, atol=1e-5)


def test_a_fraction_of_the_batches_is_changed_and_the_generator_decides():
    given, before = features(), features()
    augment = FreqMixStyle(FreqMixStyleSettings(probability=0.4))
    changed = [not torch.equal(augment(given, seeded(seed)), given) for seed in range(300)]
    assert np.mean(changed) == pytest.approx(0.4, abs=0.08)
    assert torch.equal(given, before)
    assert torch.equal(augment(given, seeded(7)), augment(given, seeded(7)))
    random = seeded()
    assert FreqMixStyle(FreqMixStyleSettings())(given, random) is given
    assert torch.equal(random.get_state(), seeded().get_state()), "no number is drawn"
