"""Lower bound of the time from wav to features: decoding, resampling and Fourier transforms, on all cores.

Nothing is hashed, measured, normalised or written. ``python -m benchmarks.baselines.bound FOLDER`` is one process.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from tasks.audio.resampling import resample
from tasks.runtime.hardware import usable_cores

RATE, SECONDS = 16_000, 8
WINDOW, SHIFT, LENGTH, AT_ONCE = 400, 160, 512, 200  # samples of a frame, a hop and a transform; frames


def transform(wav: Path) -> int:
    """Return the number of cycles of a recording, after the Fourier transforms of all frames of their clips."""
    samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    whole = resample(samples[:, 0], rate, RATE)
    lines = wav.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    padded = np.zeros((AT_ONCE, LENGTH), np.float32)
    for line in lines:
        start, end = (int(float(value) * RATE) for value in line.split()[:2])
        frames = sliding_window_view(np.resize(whole[start:end], SECONDS * RATE), WINDOW)[::SHIFT]
        for first in range(0, len(frames), AT_ONCE):
            block = frames[first : first + AT_ONCE]
            padded[: len(block), :WINDOW] = block
            fft.rfft(padded[: len(block)])
    return len(lines)


if __name__ == "__main__":
    with ThreadPoolExecutor(usable_cores()) as pool:
        print(sum(pool.map(transform, sorted(Path(sys.argv[1]).glob("*.wav")))))
