"""`panns` and `efficientat` against their definitions in float64, `clap` against transformers; scales of energies."""

import math

import numpy as np
import pytest
import torch
from scipy.signal.windows import hann

from models.frontends.registry import create, find, sample_rates

RATE = 32_000
BINS = np.arange(513) * RATE / 1024


def slaney(hz: np.ndarray | float) -> np.ndarray:
    """Return Slaney's mels: linear up to 1 kHz (15 mels), 27 mels for every factor of 6.4 above."""
    hz = np.asarray(hz, dtype=np.float64)
    return np.where(hz < 1000, 3 * hz / 200, 15 + 27 * np.log(np.maximum(hz, 1) / 1000) / np.log(6.4))


def htk(hz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log(1.0 + np.asarray(hz, dtype=np.float64) / 700.0)


def power(signal: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return the power spectra of a mirrored signal in frames of 1024 samples, one every 10 ms."""
    mirrored = np.pad(signal, 512, mode="reflect")
    starts = range(0, len(mirrored) - 1024 + 1, 320)
    return np.stack([np.abs(np.fft.rfft(mirrored[start : start + 1024] * window)) ** 2 for start in starts])


def triangles(places: np.ndarray, edges: np.ndarray) -> np.ndarray:
    corners = [edges[index : index + 3] for index in range(len(edges) - 2)]
    return np.stack([np.interp(places, three, [0.0, 1.0, 0.0], left=0, right=0) for three in corners])


def panns(clip: np.ndarray) -> np.ndarray:
    grid = np.arange(0, 16_000, 0.01)
    edges = np.interp(np.linspace(slaney(50.0), slaney(14_000.0), 66), slaney(grid), grid)
    filters = triangles(BINS, edges) * (2 / (edges[2:] - edges[:-2]))[:, None]  # of area 1
    return 10 * np.log10(np.maximum(power(clip, hann(1024, sym=False)) @ filters.T, 1e-10))


def efficientat(clip: np.ndarray) -> np.ndarray:
    window = np.zeros(1024)
    window[112:912] = hann(800, sym=True)
    filters = triangles(htk(BINS), np.linspace(htk(0.0), htk(16_000.0), 130))
    filters[:, 512] = 0.0  # Kaldi leaves the Nyquist frequency out
    return (np.log(power(clip[1:] - 0.97 * clip[:-1], window) @ filters.T + 1e-5) + 4.5) / 5


@pytest.mark.parametrize("level", [0.0, 1e-4, 0.05, 1.0])
@pytest.mark.parametrize(
    ("definition", "shape", "tolerance"), [(panns, (1, 801, 64), 2e-3), (efficientat, (1, 800, 128), 2e-4)]
)
def test_it_equals_its_definition(definition, shape, tolerance, level):
    clip = np.random.default_rng(3).normal(0.0, level, 8 * RATE).astype(np.float32)
    features = create(definition.__name__, 8.0)(torch.from_numpy(clip).unsqueeze(0))
    assert features.shape == shape
    np.testing.assert_allclose(features[0].numpy(), definition(clip.astype(np.float64)), rtol=0, atol=tolerance)


def test_ten_times_the_amplitude_is_20_db():
    noise = 0.01 * torch.randn((1, RATE), generator=torch.Generator().manual_seed(0))
    front_end = create("panns", 1.0)
    louder = front_end(10 * noise) - front_end(noise)
    torch.testing.assert_close(louder, torch.full_like(louder, 20.0), rtol=0, atol=1e-3)


def test_a_tone_has_its_maximum_at_its_frequency():
    centres = np.linspace(htk(0.0), htk(16_000.0), 130)[1:-1]
    for pitch in (400.0, 2_000.0, 9_000.0):
        tone = torch.sin(2 * torch.pi * pitch * torch.arange(RATE) / RATE)
        loudest = int(create("efficientat", 1.0)(tone.unsqueeze(0))[0, 50].argmax())
        assert abs(loudest - np.abs(centres - htk(pitch)).argmin()) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3.0, 8.0, 10.0])
def test_clap_equals_the_published_extractor(seconds):
    extractors = pytest.importorskip("transformers.models.clap.feature_extraction_clap")
    extractor = extractors.ClapFeatureExtractor(frequency_min=50, frequency_max=14_000, truncation="rand_trunc")
    clip = np.random.default_rng(3).normal(0.0, 0.05, round(seconds * 48_000)).astype(np.float32)
    expected = extractor(clip, sampling_rate=48_000, return_tensors="np")["input_features"][0, 0]
    features = create("clap", seconds)(torch.from_numpy(clip).unsqueeze(0))
    assert features.shape == (1, 1001, 64)
    np.testing.assert_allclose(features[0].numpy(), expected, rtol=0, atol=2e-3)


def test_clips_longer_than_claps_input_are_refused():
    with pytest.raises(ValueError, match=r"at most 10 s, not of 12 s; set frontends\.clap\.duration_s"):
        create("clap", 12.0)


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
