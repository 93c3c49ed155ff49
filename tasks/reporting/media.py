"""Pictures and sounds of cycles as data URLs, small enough for a page that needs no other file."""

import base64
import io

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import soundfile
from PIL import Image
from scipy.signal import resample_poly

WIDTH = 400  # largest width of a spectrogram in pixels: the width at which the page shows it
MARKED, OPAQUE = (1.0, 0.55, 0.0), 0.75  # colour of a map over a grey spectrogram, and opacity of its largest value
AUDIO_RATE = 8000  # Hz; lung sounds are below 4 kHz, and MP3 has no lower rate that all browsers play
PEAK = 0.9  # of the louder half-wave; cycles differ in level, and many would be too quiet to hear


def spectrogram(mel: npt.NDArray[np.float32]) -> str:
    """Return features ``(frames, mels)`` as a small PNG in a data URL, from their 1st to their 99th percentile."""
    image = Image.fromarray((255 * scaled(mel, WIDTH).T[::-1]).astype(np.uint8)).convert("P")
    colours = mpl.colormaps["magma"](np.arange(256), bytes=True)[:, :3]
    image.putpalette(colours.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return _data_url("image/png", buffer)


def scaled(mel: npt.NDArray[np.float32], columns: int) -> npt.NDArray[np.float32]:
    """Return features ``(frames, mels)`` from 0 to 1, their 1st and 99th percentile, with fewer frames.

    Args:
        mel: Features ``(frames, mels)``.
        columns: Largest number of frames; those beyond it are averaged.
    """
    step = -(-len(mel) // columns)
    thin = mel[: len(mel) // step * step].reshape(-1, step, mel.shape[1]).mean(axis=1)
    low, high = np.percentile(thin, [1, 99])
    return np.asarray(np.clip((thin - low) / max(high - low, 1e-6), 0, 1))


def marks(values: npt.NDArray[np.float64]) -> str:
    """Return a map ``(rows, columns)`` as a small PNG in a data URL; rows run along time, from left to right."""
    image = Image.fromarray((255 * colours(values)).astype(np.uint8).transpose(1, 0, 2)[::-1])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return _data_url("image/png", buffer)


def colours(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the colours ``(rows, columns, 4)`` of a map: one colour, more opaque for larger positive values."""
    positive = np.clip(values, 0, None)
    opacity = OPAQUE * positive / max(positive.max(), np.finfo(np.float64).tiny)
    return np.concatenate([np.broadcast_to(MARKED, (*values.shape, 3)), opacity[..., None]], axis=2)


def audio(samples: npt.NDArray[np.float32], rate: int) -> str:
    """Return a waveform as MP3 in a data URL, mono, at `AUDIO_RATE` and with one peak level for all.

    Args:
        samples: Waveform ``(samples,)``.
        rate: Sample rate in Hz.
    """
    resampled = resample_poly(samples, AUDIO_RATE, rate) if rate != AUDIO_RATE else samples
    largest = float(np.abs(resampled).max(initial=0))
    buffer = io.BytesIO()
    soundfile.write(buffer, resampled * (PEAK / largest if largest > 0 else 1.0), AUDIO_RATE, format="MP3")
    return _data_url("audio/mpeg", buffer)


def _data_url(kind: str, buffer: io.BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
