"""MPEG-4 audio and AAC, as telephones record them: decoded where the package av is there, else refused by name."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.audio import reading
from tasks.runtime.errors import BreathlineError

RATE, SECONDS = 8000, 3


def write(path: Path) -> Path:
    """Write a tone of 200 Hz as AAC; the container is that of the suffix."""
    av = pytest.importorskip("av")
    tone = (0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE * SECONDS) / RATE)).astype(np.float32)[None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = RATE
        fifo = av.AudioFifo()
        fifo.write(frame)
        while part := fifo.read(1024, partial=True):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".m4a", ".aac"])
def test_a_tone_is_decoded_with_its_length(tmp_path, suffix):
    found = reading.read(write(tmp_path / f"tone{suffix}"))
    assert found.rate == RATE
    assert found.subtype == "AAC"
    assert found.bit_depth is None
    assert abs(len(found.samples) / RATE - SECONDS) < 0.3
    power = np.abs(np.fft.rfft(found.normalised()[:, 0]))
    assert abs(np.argmax(power) * RATE / len(found.samples) - 200) < 1
    assert bool(found.notes) == (suffix == ".aac")


def test_a_file_that_is_cut_off_is_refused_by_name(tmp_path):
    path = write(tmp_path / "tone.m4a")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(BreathlineError, match=r"tone\.m4a is in the format MPEG-4 .* cannot be decoded"):
        reading.read(path)


def test_without_the_decoder_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "tone.m4a"
    path.write_bytes(b"\0\0\0\x18ftypM4A " + bytes(200))
    with pytest.raises(BreathlineError, match=r"not read without the package av(.|\n)*breathline\[m4a\]"):
        reading.read(path)
