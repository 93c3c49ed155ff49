"""Gain, equalisation and noise on features against those of waveforms, through the front ends."""

import math

import pytest
import torch
from torch import Tensor

from models.frontends.registry import create, find, sample_rates
from models.training.augmentation_settings import WaveformSettings
from models.training.waveform import KNOTS, WaveformAugmentation, curves

SCALES = {name: scale for name in sample_rates() if (scale := find(name).scale) is not None}
FRONTENDS = sorted(SCALES)
SECONDS = 1.0
UNITS = {name: max(1.0, 5 / scale.divisor) for name, scale in SCALES.items()}  # of tolerances: for dB larger ones


def clips(name: str, level: float) -> Tensor:
    """Return four clips of a chirp over a little noise, with a silent tenth of a second."""
    front_end = create(name, SECONDS)
    time = torch.arange(front_end.samples) / front_end.sample_rate
    noise = torch.randn((4, front_end.samples), generator=torch.Generator().manual_seed(3))
    waves = level * (torch.sin(2 * math.pi * (200 + 2500 * time) * time) + 0.05 * noise)
    waves[:, : front_end.sample_rate // 10] = 0
    return waves


def cached(name: str, waves: Tensor) -> Tensor:
    """Return features as the cache gives them, rounded to float16."""
    return create(name, SECONDS)(waves).half().float()


def augment(features: Tensor, name: str, **changes: float) -> Tensor:
    built = WaveformAugmentation(WaveformSettings(**({"probability": 1.0} | changes)), name)
    return built(features, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("level", [0.3, 0.003])
@pytest.mark.parametrize("name", FRONTENDS)
def test_gain_is_that_of_the_waveform(name, level):
    waves = clips(name, level)
    gains = 1 + 0.5 * (2 * torch.rand((2, 4), generator=torch.Generator().manual_seed(0))[0] - 1)
    assert gains.max() - gains.min() > 0.3, "each sample has its own"
    wanted = create(name, SECONDS)(waves * gains[:, None])
    above = SCALES[name].energies(wanted) > 3 * SCALES[name].floor
    assert 0.2 < above.float().mean() < 1
    in_full = augment(create(name, SECONDS)(waves), name, gain=0.5)
    unit = UNITS[name]
    torch.testing.assert_close(in_full[above], wanted[above], atol=5e-4 * unit, rtol=0)
    got = augment(cached(name, waves), name, gain=0.5)
    torch.testing.assert_close(got[above], wanted[above], atol=2e-3 * unit, rtol=0)
    # What lay below the floor cannot be lifted from it: off by no more than the gain.
    torch.testing.assert_close(got, wanted, atol=2 * math.log(1.5) / SCALES[name].divisor, rtol=0)
    silent = slice(0, 7)  # of the first tenth of a second, 10 frames
    torch.testing.assert_close(got[:, silent], wanted[:, silent], atol=1e-3 * unit, rtol=0)


def test_a_gain_shifts_the_values_by_its_logarithm():
    shifted = augment(torch.zeros(64, 5, 3), "ast", gain=0.1)
    gains = (shifted[:, 0, 0] * 2 * 4.5689974 / 2).exp()
    assert gains.min() == pytest.approx(0.9, abs=0.01)
    assert gains.max() == pytest.approx(1.1, abs=0.01)


@pytest.mark.parametrize("name", FRONTENDS)
def test_an_equalisation_adds_a_curve_in_decibels_to_each_frame(name):
    mels = create(name, SECONDS).mels
    features = SCALES[name].values(torch.full((4, 7, mels), 50.0))
    added = augment(features, name, equalization_db=12.0) - features
    decibels = added * SCALES[name].divisor * 10 / math.log(10)
    wanted = 12 * curves(4, mels, torch.Generator().manual_seed(0))
    torch.testing.assert_close(decibels, wanted[:, None, :].expand(-1, 7, -1), atol=1e-2, rtol=0)


def test_an_equalisation_is_that_of_a_filter_of_the_waveform(monkeypatch):
    """A filter that halves the amplitudes of the upper half of the spectrum, where the curve falls by 6 dB."""
    front_end, waves = create("efficientat", SECONDS), clips("efficientat", 0.3)
    spectrum = torch.fft.rfft(waves)
    spectrum[:, spectrum.shape[1] // 2 :] /= 2
    wanted = front_end(torch.fft.irfft(spectrum, n=waves.shape[1]))
    curve = torch.where(torch.arange(front_end.mels) < 102, 0.0, -1.0).expand(4, -1)  # this mel bin is at 8 kHz
    monkeypatch.setattr("models.training.waveform.curves", lambda *_: curve)
    found = augment(front_end(waves), "efficientat", equalization_db=10 * math.log10(4))
    apart = [*range(2, 97), *range(107, 128)]  # mel bins whose filters lie on one side
    assert (found - wanted)[:, 12:-3, apart].abs().max() < 0.01
    assert (front_end(waves) - wanted)[:, 12:-3, 115].abs().mean() > 0.1


def test_curves_are_smooth_bounded_and_differ():
    drawn = curves(500, 128, torch.Generator().manual_seed(0))
    assert drawn.abs().max() <= 1
    assert (drawn[:, 1:] - drawn[:, :-1]).abs().max() < 2 * math.pi / 2 * (KNOTS - 1) / 127
    assert drawn[:, [0, -1]].std(0).min() > 0.5, "of uniform numbers, 0.58"
    assert abs(float(torch.corrcoef(drawn[:, [0, 127]].T)[0, 1])) < 0.15


@pytest.mark.parametrize("level", [0.0, 0.003, 0.3])
@pytest.mark.parametrize("name", FRONTENDS)
def test_noise_has_the_mean_and_spread_of_noise_in_the_waveform(name, level):
    waves, sd = clips(name, level), 1e-3
    many = waves[:1].expand(64, -1)
    noisy = many + sd * torch.randn(many.shape, generator=torch.Generator().manual_seed(8))
    wanted = create(name, SECONDS)(noisy)
    got = augment(cached(name, many), name, noise_sd=sd)
    # Per frame and mel; by how much the noise lifts them is shown by the last line.
    unit = UNITS[name]
    assert (got.mean(0) - wanted.mean(0)).abs().mean() < 0.02 * unit
    assert (got.mean(0).mean(0) - wanted.mean(0).mean(0)).abs().max() < 0.05 * unit
    assert (got.std(0).mean() / wanted.std(0).mean()).item() == pytest.approx(1, abs=0.05)
    if level == 0:
        lifted = augment(cached(name, waves), name, noise_sd=sd) - cached(name, waves)
        assert lifted.mean() > 0.1 * unit


def test_the_noise_of_overlapping_frames_is_correlated():
    def correlation(features: Tensor) -> float:
        values = features[:, 5:90, 60]
        return torch.corrcoef(torch.stack([values[:, :-1].flatten(), values[:, 1:].flatten()]))[0, 1].item()

    silence = torch.zeros(64, create("ast", SECONDS).samples)
    noise = torch.randn(silence.shape, generator=torch.Generator().manual_seed(1))
    wanted = correlation(create("ast", SECONDS)(1e-2 * noise))
    assert correlation(augment(cached("ast", silence), "ast", noise_sd=1e-2)) == pytest.approx(wanted, abs=0.05)
    assert wanted > 0.1


@pytest.mark.parametrize("changes", [{"gain": 0.4}, {"noise_sd": 0.01}, {"equalization_db": 10.0}])
def test_the_fraction_of_changed_samples(changes):
    features = cached("ast", clips("ast", 0.1))[:1].repeat(400, 1, 1)
    changed = augment(features, "ast", probability=0.3, **changes)
    share = ((changed - features).abs() > 1e-3).any(2).any(1).float().mean()
    assert share.item() == pytest.approx(0.3, abs=0.07)


def test_without_gain_and_noise_any_front_end_is_allowed():
    features = torch.randn(2, 4, 3)
    built = WaveformAugmentation(WaveformSettings(), "fbank")
    assert built(features, torch.Generator()) is features
    with pytest.raises(ValueError, match=r"not defined on features of .* fbank, only of ast, beats, efficientat"):
        WaveformAugmentation(WaveformSettings(gain=0.1), "fbank")


def test_the_result_depends_only_on_the_generator_and_the_input_is_unchanged():
    features = cached("efficientat", clips("efficientat", 0.1))
    before = features.clone()
    built = WaveformAugmentation(WaveformSettings(gain=0.1, noise_sd=1e-4), "efficientat")
    first, second = (built(features, torch.Generator().manual_seed(seed)) for seed in (1, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, built(features, torch.Generator().manual_seed(2)))
    assert torch.equal(features, before)
