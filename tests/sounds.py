"""Valid sound files of every container and encoding that libsndfile writes here."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE, FRAMES = 8000, 2400
HEADERLESS = "RAW"  # has no header, so that nothing can read it without being told its format
UNREADABLE = {("AIFF", "DWVW_12"), ("AIFF", "DWVW_16"), ("AIFF", "DWVW_24")}  # libsndfile writes and does not read them
LOSSY = {"ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32", "G723_24", "G723_40", "VORBIS", "OPUS"}
LOSSY |= {"MPEG_LAYER_III", "NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32"}


def tone() -> npt.NDArray[np.float64]:
    """Return a tone with noise of 0.3 s; 8 bits hold its samples exactly."""
    time = np.arange(FRAMES) / RATE
    noise = np.random.default_rng(0).normal(0, 0.05, FRAMES)
    return np.round((0.4 * np.sin(2 * np.pi * 200 * time) + noise) * 128) / 128


def is_tone(samples: npt.NDArray[np.float32], subtype: str, bits: int = 16) -> bool:
    """Return whether decoded samples are the tone, with the errors of their encoding."""
    wanted = tone()[: len(samples)]
    if subtype in LOSSY:
        return float(np.corrcoef(samples, wanted)[0, 1]) > 0.5
    return np.allclose(samples, wanted, atol=2.0 ** (1 - bits))


def kinds() -> list[tuple[str, str]]:
    """Return the containers and encodings that can be written and read."""
    known = [
        (name, subtype) for name in soundfile.available_formats() for subtype in soundfile.available_subtypes(name)
    ]
    return [kind for kind in known if kind[0] != HEADERLESS and kind not in UNREADABLE and _writable(*kind)]


def write(path: Path, container: str, subtype: str | None = None, endian: str | None = None) -> Path:
    """Write the tone to a file."""
    soundfile.write(path, tone(), RATE, format=container, subtype=subtype, endian=endian)
    return path


@cache
def encoded(container: str, subtype: str | None = None, endian: str | None = None) -> bytes:
    """Return the bytes of a file with the tone."""
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder, "tone"), container, subtype, endian).read_bytes()


def _writable(container: str, subtype: str) -> bool:
    try:
        return len(encoded(container, subtype)) > 0
    except soundfile.LibsndfileError:
        return False
