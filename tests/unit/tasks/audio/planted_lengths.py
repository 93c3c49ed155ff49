"""Sound files that lack a part, state another length than they have, or have one harmless fault in the header."""

import struct
from collections.abc import Iterator

from tests import sounds
from tests.sounds import encoded
from tests.unit.tasks.audio.planted_case import SIZED, Field, Planted, wav_with, with_chunk

OTHER = ("NIST", "SDS", "VOC", "WVE", "FLAC", "OGG", "MP3", "HTK")
NO_LENGTH = ("IRCAM", "PAF", "PVF", "XI")


def _flac_frames(frames: int) -> bytes:
    """Return a FLAC file that states another number of frames."""
    data = encoded("FLAC", "PCM_16")
    stated = int.from_bytes(data[18:26], "big") >> 36 << 36 | frames
    return data[:18] + stated.to_bytes(8, "big") + data[26:]


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
        yield Planted(f"{label}, twice", lambda whole=whole: whole() * 2, "refused", ("bytes",))
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
    yield Planted("odd chunk without pad byte", lambda: with_chunk(wav(), odd), "note", ("pad byte", "byte 67"))
    yield Planted(
        "two odd chunks without pad byte", lambda: with_chunk(with_chunk(wav(), odd), odd), "note", ("67, 98",)
    )
    yield Planted("odd chunk with pad byte", lambda: with_chunk(wav(), odd + b"\0"), "read")
    yield Planted("chunk behind the audio", lambda: wav() + odd + b"\0", "read")
    yield Planted("odd chunk behind the audio without pad byte", lambda: wav() + odd, "read")
    yield Planted("chunk behind the audio, cut", lambda: wav() + odd[:-5], "read")
    yield Planted("unknown chunk", lambda: with_chunk(wav(), b"SONG" + struct.pack("<I", 10) + bytes(10)), "read")
    yield Planted("ID3 tag before", lambda: b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + wav(), "read")
    yield Planted("size of the file zero", wav_with(4, "<I", 0), "read")
    yield Planted("size of the file 2^32-1", wav_with(4, "<I", 0xFFFFFFFF), "read")
    yield Planted("three bytes behind", lambda: wav() + b"abc", "note", ("3 bytes behind",))
