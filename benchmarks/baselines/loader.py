"""Published loader of work (a): the constructors of both halves of its data set, as one process.

It is written anew from the description of the published code. Each file is loaded and resampled with a filter computed
for that file. Each cycle is cut, padded, and converted to an image of features by itself with
`torchaudio.compliance.kaldi`. All images stay in memory as float32. soundfile replaces `torchaudio.load`, which
requires torchcodec today. The published module also imports pandas, torchvision, librosa and nlpaug; the last two are
left out.

    python -m benchmarks.baselines.loader data/raw/icbhi/audio
"""

import sys
from pathlib import Path

import pandas  # noqa: F401 - for the time of its import, as in the published module
import soundfile
import torch
import torchvision  # noqa: F401 - as above
from torch import Tensor
from torchaudio import transforms
from torchaudio.compliance import kaldi

RATE, SECONDS, FADE = 16_000, 8, 1_000  # Hz, s, samples


def load(audio: Path) -> list[Tensor]:
    """Return the image (1, 798, 128) float32 of every cycle of a folder of wav and annotation files."""
    images = []
    for wav in sorted(audio.glob("*.wav")):
        samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
        recording = torch.from_numpy(samples.T)
        if rate != RATE:
            recording = transforms.Resample(rate, RATE)(recording)
        recording = transforms.Fade(FADE, FADE, fade_shape="linear")(recording)
        for line in wav.with_suffix(".txt").read_text(encoding="utf-8").splitlines():
            start, end = (int(float(value) * RATE) for value in line.split()[:2])
            images.append(_features(_padded(recording[:, start : min(end, recording.shape[1])])).unsqueeze(0))
    return images


def _padded(cycle: Tensor) -> Tensor:
    length = SECONDS * RATE
    if cycle.shape[1] > length:
        return cycle[:, :length]
    repeated = cycle.repeat(1, -(-length // cycle.shape[1]))[:, :length]
    padded: Tensor = transforms.Fade(0, FADE, fade_shape="linear")(repeated)
    return padded


def _features(clip: Tensor) -> Tensor:
    fbank: Tensor = kaldi.fbank(
        clip,
        htk_compat=True,
        sample_frequency=RATE,
        use_energy=False,
        window_type="hanning",
        num_mel_bins=128,
        dither=0.0,
        frame_shift=10,
    )
    return (fbank + 4.2677393) / (2 * 4.5689974)


if __name__ == "__main__":
    print(len(load(Path(sys.argv[1]))))
