"""Bad sound files, made from valid ones, each with its outcome: read, read with a note, or refused with some words."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tests import sounds
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
OTHER = ("NIST", "SDS", "VOC", "WVE", "FLAC", "OGG", "MP3", "HTK")
NO_LENGTH = ("IRCAM", "PAF", "PVF", "XI")
WAV = SIZED["WAV", "LITTLE"]


def _wav(place: int, order: str, value: int) -> Callable[[], bytes]:
    """Return a function that returns a wav with another value in its header."""
    return lambda: Field(b"", place, order).set(encoded("WAV", "PCM_16"), value)


def _chunk(data: bytes, chunk: bytes, place: int | None = None) -> bytes:
    """Return a wav with a further chunk, before the audio or at a place."""
    place = data.index(b"data") if place is None else place
    return data[:4] + struct.pack("<I", len(data) + len(chunk) - 8) + data[8:place] + chunk + data[place:]


def _float_wav(value: float, subtype: str = "FLOAT") -> bytes:
    """Return a wav of floats with one bad sample."""
    data = encoded("WAV", subtype)
    order = "<f" if subtype == "FLOAT" else "<d"
    place = data.index(b"data") + 8 + 10 * struct.calcsize(order)
    return data[:place] + struct.pack(order, value) + data[place + struct.calcsize(order) :]


def _flac_frames(frames: int) -> bytes:
    """Return a FLAC file that states another number of frames."""
    data = encoded("FLAC", "PCM_16")
    stated = int.from_bytes(data[18:26], "big") >> 36 << 36 | frames
    return data[:18] + stated.to_bytes(8, "big") + data[26:]


def _flipped(data: bytes, place: int) -> bytes:
    """Return a file with one bit changed; a negative place counts from the end."""
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


def _nested() -> bytes:
    """Return a wav whose audio is a wav."""
    inner = encoded("WAV", "PCM_16")
    return inner[:40] + struct.pack("<I", len(inner)) + inner


def _damaged_mp3() -> bytes:
    """Return an MP3 file whose third frame has no header."""
    data = encoded("MP3")
    place = data.index(data[:2], data.index(data[:2], 100) + 2)
    return data[:place] + bytes(2) + data[place + 2 :]


def incomplete() -> Iterator[Planted]:
    """Yield files that lack a part, state half, or hold a second recording."""
    for (name, endian), field in SIZED.items():

        def whole(name: str = name, endian: str | None = endian) -> bytes:
            return encoded(name, "PCM_16", endian)

        label = f"{name} {endian or ''}".strip()
        yield Planted(
            f"{label}, last 100 bytes missing", lambda whole=whole: whole()[:-100], "refused", ("cut off", "bytes")
        )
        yield Planted(
            f"{label}, second half missing", lambda whole=whole: whole()[: len(whole()) // 2], "refused", ("cut off",)
        )
        yield Planted(
            f"{label}, half is stated", lambda whole=whole, field=field: field.halve(whole()), "refused", ("bytes",)
        )
        yield Planted(f"{label}, twice", lambda whole=whole: whole() * 2, "refused", ())
        yield Planted(
            f"{label}, zeros behind", lambda whole=whole: whole() + bytes(1000), "note", ("1000 bytes behind",)
        )
        yield Planted(f"{label}, tag behind", lambda whole=whole: whole() + b"TAG" + bytes(125), "read")
    for name in OTHER:
        yield Planted(f"{name}, last 100 bytes missing", lambda name=name: encoded(name)[:-100], "refused", ())
        yield Planted(f"{name}, twice", lambda name=name: encoded(name) * 2, "refused", ())
    for name in NO_LENGTH:
        yield Planted(
            f"{name}, last 100 bytes missing", lambda name=name: encoded(name)[:-100], "note", ("states no length",)
        )
    for subtype in ("IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32", "ULAW", "FLOAT", "DOUBLE", "PCM_24"):
        yield Planted(
            f"WAV {subtype}, cut", lambda subtype=subtype: encoded("WAV", subtype)[:-300], "refused", ("cut off",)
        )
    yield Planted(
        "NIST, half is stated",
        lambda: encoded("NIST").replace(b"count -i 2400", b"count -i 1200"),
        "refused",
        ("bytes",),
    )
    yield Planted("VOC, half is stated", lambda: Field(b"", 27, "<H").halve(encoded("VOC")), "refused", ("bytes",))
    yield Planted("SDS, half is stated", lambda: Field(b"", 11, "B").set(encoded("SDS"), 9), "refused", ("bytes",))
    yield Planted("WVE, half is stated", lambda: Field(b"", 18, ">I").halve(encoded("WVE")), "refused", ("bytes",))
    yield Planted("FLAC, half is stated", lambda: _flac_frames(sounds.FRAMES // 2), "refused", ("checksum",))
    yield Planted("FLAC, no length", lambda: _flac_frames(0), "refused", ("no number of samples",))
    yield Planted("FLAC, 2^35 frames", lambda: _flac_frames(1 << 35), "refused", ("by its header", "shorter parts"))
    yield Planted(
        "MP3, half is stated", lambda: Field(b"Xing", 8, ">I").halve(encoded("MP3")), "refused", ("MPEG frames",)
    )
    yield Planted(
        "RF64, 16 GB are stated", lambda: SIZED["RF64", None].set(encoded("RF64"), 1 << 34), "refused", ("cut off",)
    )
    yield Planted(
        "AU, 4 GB are stated", lambda: Field(b"", 8, ">I").set(encoded("AU"), 0xFFFFFFFE), "refused", ("cut off",)
    )


def repaired() -> Iterator[Planted]:
    """Yield whole files with one fault in the header."""
    for length in (0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        for endian in ("LITTLE", "BIG"):
            field = SIZED["WAV", endian]
            yield Planted(
                f"WAV {endian}, length {length:#x}",
                lambda field=field, endian=endian, length=length: field.set(encoded("WAV", "PCM_16", endian), length),
                "note",
                ("states no length", "end of the file"),
            )
    for name, value in (("W64", 0), ("W64", 24), ("AIFF", 0), ("CAF", 0), ("CAF", -1)):
        field = SIZED.get((name, None)) or SIZED[name, "BIG"]
        yield Planted(
            f"{name}, length {value}",
            lambda field=field, name=name, value=value: field.set(encoded(name, "PCM_16"), value),
            "note",
            ("states no length",),
        )
    for length in (0, 0xFFFFFFFF):
        yield Planted(
            f"AU, length {length:#x}",
            lambda length=length: Field(b"", 8, ">I").set(encoded("AU"), length),
            "note",
            ("states no length",),
        )
    odd = b"LIST" + struct.pack("<I", 23) + b"INFOICMT" + struct.pack("<I", 11) + b"hello world"
    wav = lambda: encoded("WAV", "PCM_16")  # noqa: E731
    yield Planted("odd chunk without pad byte", lambda: _chunk(wav(), odd), "note", ("pad byte", "byte 67"))
    yield Planted("two odd chunks without pad byte", lambda: _chunk(_chunk(wav(), odd), odd), "note", ("67, 98",))
    yield Planted("odd chunk with pad byte", lambda: _chunk(wav(), odd + b"\0"), "read")
    yield Planted("chunk behind the audio", lambda: wav() + odd + b"\0", "read")
    yield Planted("odd chunk behind the audio without pad byte", lambda: wav() + odd, "read")
    yield Planted("chunk behind the audio, cut", lambda: wav() + odd[:-5], "read")
    yield Planted("unknown chunk", lambda: _chunk(wav(), b"SONG" + struct.pack("<I", 10) + bytes(10)), "read")
    yield Planted("ID3 tag before", lambda: b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + wav(), "read")
    yield Planted("size of the file zero", _wav(4, "<I", 0), "read")
    yield Planted("size of the file 2^32-1", _wav(4, "<I", 0xFFFFFFFF), "read")
    yield Planted("three bytes behind", lambda: wav() + b"abc", "note", ("3 bytes behind",))


def absurd() -> Iterator[Planted]:
    """Yield files whose header or samples are absurd."""
    for rate in (0, 1, 999, 384_001, 1_000_003, 2**31 - 1, 2**32 - 1):
        yield Planted(f"WAV, {rate} Hz", _wav(24, "<I", rate), "refused", (f"{rate:,} Hz",))
        yield Planted(f"AU, {rate} Hz", lambda rate=rate: Field(b"", 16, ">I").set(encoded("AU"), rate), "refused", ())
    for rate in (1000, 384_000):
        yield Planted(f"WAV, {rate} Hz", _wav(24, "<I", rate), "read")
    for channels in (0, 33, 769, 65_535):
        yield Planted(f"WAV, {channels} channels", _wav(22, "<H", channels), "refused", ())
    for place, order, values in ((20, "<H", (0, 0x7777)), (34, "<H", (0, 65_535)), (16, "<I", (0, 4, 0xFFFFFFFF))):
        for value in values:
            yield Planted(f"WAV, {value} at byte {place}", _wav(place, order, value), "refused", ())
    for bits in (9, 17, 24, 32):
        name = "PCM_U8" if bits == 9 else "PCM_16"
        yield Planted(
            f"WAV {name}, {bits} bits",
            lambda name=name, bits=bits: Field(b"", 34, "<H").set(encoded("WAV", name), bits),
            "refused",
            ("contradicts itself", f"{bits} bits"),
        )
    for block in (1, 4):
        yield Planted(f"WAV, blocks of {block}", _wav(32, "<H", block), "refused", ("contradicts itself",))
    yield Planted("WAV, floats of 16 bits", _wav(20, "<H", 3), "refused", ("floats of 16 bits",))
    yield Planted(
        "ADPCM as PCM", lambda: Field(b"", 20, "<H").set(encoded("WAV", "MS_ADPCM"), 1), "refused", ("blocks of",)
    )
    for value in (float("nan"), float("inf"), float("-inf")):
        yield Planted(f"float {value}", lambda value=value: _float_wav(value), "refused", ("finite", "export"))
        yield Planted(f"double {value}", lambda value=value: _float_wav(value, "DOUBLE"), "refused", ("finite",))
    yield Planted(
        "double beyond float32", lambda: _float_wav(1e300, "DOUBLE"), "refused", ("1e+300", "full scale is 1")
    )
    yield Planted("negative double beyond float32", lambda: _float_wav(-1e40, "DOUBLE"), "refused", ("1e+40",))
    yield Planted("float beyond 2^31", lambda: _float_wav(1e10), "refused", ("1e+10",))


def damaged() -> Iterator[Planted]:
    """Yield files that are no audio, or are damaged inside."""
    for name in ("VORBIS", "OPUS"):
        yield Planted(
            f"{name}, bit flipped", lambda name=name: _flipped(encoded("OGG", name), -200), "refused", ("damaged",)
        )
        yield Planted(
            f"{name}, in a stream", lambda name=name: encoded("OGG", name) + b"x" * 50, "refused", ("behind",)
        )
    id3 = b"ID3\4\0\0\0\0\0\x0a" + bytes(10)
    for name in ("MP3", "OGG", "WAV"):
        yield Planted(f"{name}, tags behind", lambda name=name: encoded(name) + id3 + b"TAG" + bytes(125), "read")
        yield Planted(
            f"{name}, a second one behind a tag", lambda name=name: encoded(name) + id3 + encoded(name), "refused"
        )
        yield Planted(
            f"{name}, zeros behind a tag", lambda name=name: encoded(name) + id3 + bytes(99), "note", ("99 bytes",)
        )
    yield Planted(
        "FLAC, no checksum", lambda: encoded("FLAC")[:26] + bytes(16) + encoded("FLAC")[42:], "note", ("no checksum",)
    )
    yield Planted("FLAC, bit flipped", lambda: _flipped(encoded("FLAC"), -1000), "refused", ())
    yield Planted("FLAC, checksum flipped", lambda: _flipped(encoded("FLAC"), 30), "refused", ("checksum",))
    yield Planted("MP3, frame damaged", _damaged_mp3, "refused", ("damaged at byte",))
    yield Planted(
        "second chunk of audio",
        lambda: encoded("WAV") + b"data" + struct.pack("<I", 8) + b"12345678",
        "refused",
        ("second chunk data",),
    )
    yield Planted("wav in a wav", _nested, "refused", ("another file",))
    yield Planted("header alone", lambda: encoded("WAV")[:44], "refused", ("cut off",))
    yield Planted("empty chunk of audio", lambda: WAV.set(encoded("WAV")[:44], 0), "refused", ("holds no samples",))
    yield Planted(
        "10,001 chunks",
        lambda: _chunk(encoded("WAV"), (b"song" + bytes(4)) * 10_001),
        "refused",
        ("more than 10,000 chunks",),
    )
    yield Planted("cut in the header", lambda: encoded("WAV")[:30], "refused", ("cut off before its audio",))
    yield Planted("four bytes", lambda: b"RIFF", "refused", ("cut off before its audio",))
    nothing = {
        "nothing": b"", "page": b"<!DOCTYPE html><html>404 Not Found</html>", "text": b"0.5\t2.1\t0\t1\n" * 50,
        "zip": b"PK\3\4" + bytes(200), "png": b"\x89PNG\r\n\x1a\n" + bytes(200), "zeros": bytes(5000),
        "video": b"\0\0\0\x18ftypmp42" + bytes(200), "matroska": b"\x1aE\xdf\xa3" + bytes(200), "json": b'{"a": 1}',
        "avi": b"RIFF\x24\0\0\0AVI LIST" + bytes(200), "noise": np.random.default_rng(0).bytes(5000),
        "merge": b"<<<<<<< HEAD\n", "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    }  # fmt: skip
    for name, data in nothing.items():
        yield Planted(name, lambda data=data: data, "refused", ())


def table() -> list[Planted]:
    """Return all cases."""
    return [*incomplete(), *repaired(), *absurd(), *damaged()]
