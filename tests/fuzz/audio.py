"""Fuzz target of recordings: mutations of valid files of every container."""

import tempfile
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from tasks.audio import quality, reading, waveforms
from tests import sounds

HEADER = 512  # bytes in which most mutations lie
VALUES = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@cache
def _files() -> tuple[bytes, ...]:
    """Return a file of every kind, and big-endian ones of those that have both orders."""
    big = [sounds.encoded(name, "PCM_16", "BIG") for name in ("WAV", "CAF", "MAT5")]
    return (*(sounds.encoded(*kind) for kind in sounds.kinds() if kind[0] != "SD2"), *big)


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(_files())))
    for _ in range(draw(st.integers(0, 4))):
        end = draw(st.sampled_from((HEADER, len(data)))) if data else 0
        place = draw(st.integers(0, min(end, len(data))))
        change = draw(st.sampled_from(("cut", "flip", "value", "splice", "remove", "repeat")))
        if change == "cut":
            del data[place:]
        elif change == "flip" and place < len(data):
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif change == "value":
            order, width = draw(st.sampled_from(("little", "big"))), draw(st.sampled_from((2, 4, 8)))
            value = draw(st.sampled_from(VALUES) | st.integers(0, 0xFFFF) | st.just(len(data) // 2))
            data[place : place + width] = (value % 256**width).to_bytes(width, order)
        elif change == "splice":
            other = draw(st.sampled_from(_files()))
            start = draw(st.integers(0, len(other)))
            data[place:place] = other[start : start + draw(st.integers(1, 2000))]
        elif change == "remove":
            del data[place : place + draw(st.integers(1, 64))]
        else:
            data[place:place] = data[place : place + draw(st.integers(1, 64))]
    return bytes(data)


def files() -> st.SearchStrategy[bytes]:
    """Return the strategy of mutated files."""
    _files()  # before the time begins
    return _mutated()


def read(data: bytes) -> None:
    """Read a file as `extract` and `predict` do."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.write(data)
        file.flush()
        audio = reading.read(Path(file.name))
    samples = audio.normalised()
    quality.measure(samples, audio.rate)
    waveforms.cut(samples, audio.rate, 16_000, [(0, 1)])
