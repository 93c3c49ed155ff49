"""Case of a bad sound file, and changes of valid files that the cases share."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.sounds import encoded

Outcome = Literal["read", "note", "refused"]


@dataclass(frozen=True)
class Planted:
    """Bad file.

    Attributes:
        name: Name of the case.
        data: Function that returns the content of the file.
        outcome: Expected outcome.
        words: Words of the message or of the note.
    """

    name: str
    data: Callable[[], bytes]
    outcome: Outcome
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """Length of the audio in a header.

    Attributes:
        marker: Bytes after whose first place the field is; none for a field at a fixed place.
        offset: Place of the field from the start of the marker, or of the file.
        order: Format of the field for `struct`.
        prefix: Bytes that the field counts besides the audio.
    """

    marker: bytes
    offset: int
    order: str
    prefix: int = 0

    def set(self, data: bytes, value: int) -> bytes:
        """Return the file with another value."""
        place = data.index(self.marker) + self.offset
        return data[:place] + struct.pack(self.order, value) + data[place + struct.calcsize(self.order) :]

    def halve(self, data: bytes) -> bytes:
        """Return the file with half of the length."""
        (value,) = struct.unpack_from(self.order, data, data.index(self.marker) + self.offset)
        return self.set(data, (value - self.prefix) // 2 + self.prefix)


SIZED = {
    ("WAV", "LITTLE"): Field(b"data", 4, "<I"),
    ("WAV", "BIG"): Field(b"data", 4, ">I"),
    ("WAVEX", None): Field(b"data", 4, "<I"),
    ("RF64", None): Field(b"ds64", 16, "<Q"),
    ("W64", None): Field(b"data\xf3", 16, "<Q", prefix=24),
    ("AIFF", None): Field(b"SSND", 4, ">I", prefix=8),
    ("CAF", "LITTLE"): Field(b"data", 4, ">q", prefix=4),
    ("CAF", "BIG"): Field(b"data", 4, ">q", prefix=4),
    ("SVX", None): Field(b"BODY", 4, ">I"),
    ("AU", "LITTLE"): Field(b"", 8, "<I"),
    ("AU", "BIG"): Field(b"", 8, ">I"),
    ("AVR", None): Field(b"", 26, ">I"),
    ("MPC2K", None): Field(b"", 30, "<I"),
    ("MAT4", "LITTLE"): Field(b"wavedata", -12, "<I"),
    ("MAT4", "BIG"): Field(b"wavedata", -12, ">I"),
    ("MAT5", "LITTLE"): Field(b"wavedata", 12, "<I"),
    ("MAT5", "BIG"): Field(b"wavedata", 12, ">I"),
}


def wav_with(place: int, order: str, value: int) -> Callable[[], bytes]:
    """Return a function that returns a wav with another value in its header."""
    return lambda: Field(b"", place, order).set(encoded("WAV", "PCM_16"), value)


def with_chunk(data: bytes, chunk: bytes, place: int | None = None) -> bytes:
    """Return a wav with a further chunk, before the audio or at a place."""
    place = data.index(b"data") if place is None else place
    return data[:4] + struct.pack("<I", len(data) + len(chunk) - 8) + data[8:place] + chunk + data[place:]
