"""Sound files with absurd values, damage inside, or a content that is no audio."""

import struct
from collections.abc import Iterator

import numpy as np

from tests.sounds import encoded
from tests.unit.tasks.audio.planted_case import SIZED, Field, Planted, wav_with, with_chunk

WAV = SIZED["WAV", "LITTLE"]


def _float_wav(value: float, subtype: str = "FLOAT") -> bytes:
    """Return a wav of floats with one bad sample."""
    data = encoded("WAV", subtype)
    order = "<f" if subtype == "FLOAT" else "<d"
    place = data.index(b"data") + 8 + 10 * struct.calcsize(order)
    return data[:place] + struct.pack(order, value) + data[place + struct.calcsize(order) :]


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


def absurd() -> Iterator[Planted]:
    """Yield files whose header or samples are absurd."""
    for rate in (0, 1, 999, 384_001, 1_000_003, 2**31 - 1, 2**32 - 1):
        yield Planted(f"WAV, {rate} Hz", wav_with(24, "<I", rate), "refused", (f"{rate:,} Hz",))
        yield Planted(f"AU, {rate} Hz", lambda rate=rate: Field(b"", 16, ">I").set(encoded("AU"), rate), "refused", ())
    for rate in (1000, 384_000):
        yield Planted(f"WAV, {rate} Hz", wav_with(24, "<I", rate), "read")
    for channels in (0, 33, 769, 65_535):
        yield Planted(f"WAV, {channels} channels", wav_with(22, "<H", channels), "refused", ())
    for place, order, values in ((20, "<H", (0, 0x7777)), (34, "<H", (0, 65_535)), (16, "<I", (0, 4, 0xFFFFFFFF))):
        for value in values:
            yield Planted(f"WAV, {value} at byte {place}", wav_with(place, order, value), "refused", ())
    for bits in (9, 17, 24, 32):
        name = "PCM_U8" if bits == 9 else "PCM_16"
        yield Planted(
            f"WAV {name}, {bits} bits",
            lambda name=name, bits=bits: Field(b"", 34, "<H").set(encoded("WAV", name), bits),
            "refused",
            ("contradicts itself", f"{bits} bits"),
        )
    for block in (1, 4):
        yield Planted(f"WAV, blocks of {block}", wav_with(32, "<H", block), "refused", ("contradicts itself",))
    yield Planted("WAV, floats of 16 bits", wav_with(20, "<H", 3), "refused", ("floats of 16 bits",))
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
    fmt = slice(12, 36)
    yield Planted(
        "two chunks of format",
        lambda: with_chunk(encoded("WAV"), encoded("WAV")[fmt]),
        "refused",
        ("two chunks fmt (at bytes 12 and 36)", "export"),
    )
    yield Planted(
        "no chunk of format", lambda: encoded("WAV")[:12] + encoded("WAV")[36:], "refused", ("no chunk fmt before",)
    )
    yield Planted("header alone", lambda: encoded("WAV")[:44], "refused", ("cut off",))
    yield Planted("empty chunk of audio", lambda: WAV.set(encoded("WAV")[:44], 0), "refused", ("holds no samples",))
    yield Planted(
        "10,001 chunks",
        lambda: with_chunk(encoded("WAV"), (b"song" + bytes(4)) * 10_001),
        "refused",
        ("more than 10,000 chunks",),
    )
    yield Planted("cut in the header", lambda: encoded("WAV")[:30], "refused", ("cut off before its audio",))
    yield Planted("four bytes", lambda: b"RIFF", "refused", ("cut off before its audio",))


def foreign() -> Iterator[Planted]:
    """Yield files that are no audio, or audio in a format that libsndfile does not read."""
    riff = b"RIFF\x24\0\0\0"
    files = {
        "nothing": (b"", "0 bytes"),
        "page": (b"<!DOCTYPE html><html>404 Not Found</html>", "a text in UTF-8, not audio; it begins with '<!DOCTYPE"),
        "text": (b"0.5\t2.1\t0\t1\n" * 50, r"begins with '0.5\t2.1\t0\t1'"),
        "text in UTF-16": ("0.5\t2.1\t0\t1\n".encode("utf-16"), "a text in UTF-16"),
        "text in UTF-16 without mark": ("name\tsex\n".encode("utf-16-be"), "a text in UTF-16"),
        "json": (b'{"a": 1}', "a text"),
        "merge": (b"<<<<<<< HEAD\n", "a text"),
        "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git-lfs"),
        "zip": (b"PK\3\4" + bytes(200), "a zip archive"),
        "pdf": (b"%PDF-1.7\n" + bytes(200), "a PDF document, not audio"),
        "png": (b"\x89PNG\r\n\x1a\n" + bytes(200), "an image (PNG)"),
        "webp": (riff + b"WEBPVP8 " + bytes(200), "an image (WebP), not a wav"),
        "avi": (riff + b"AVI LIST" + bytes(200), "ffmpeg"),
        "other RIFF": (riff + b"abcdLIST" + bytes(200), "a RIFF file of the kind b'abcd'"),
        "m4a": (b"\0\0\0\x18ftypM4A " + bytes(200), "MPEG-4 (m4a, mp4, 3gp)"),
        "matroska": (b"\x1aE\xdf\xa3" + bytes(200), "Matroska or WebM"),
        "amr": (b"#!AMR\n" + bytes(200), "ffmpeg"),
        "zeros": (bytes(5000), "in no format that is read"),
        "noise": (np.random.default_rng(0).bytes(5000), "in no format that is read"),
    }
    for name, (data, words) in files.items():
        yield Planted(name, lambda data=data: data, "refused", (words,))
