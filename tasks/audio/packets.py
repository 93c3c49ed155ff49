"""Completeness of compressed streams: pages of Ogg, frames of MPEG, checksum of FLAC."""

import hashlib
import zlib
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tasks.audio.extents import BLOCK, DamagedAudioError, describe_rest, without_length

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_RATES = (44_100, 48_000, 32_000)  # Hz, of MPEG 1; half of it for MPEG 2, a quarter for MPEG 2.5
_BIT_RATES = {  # kbit/s, by MPEG 1 or not and layer
    (True, 1): range(0, 449, 32),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def check_ogg(file: BinaryIO, size: int) -> tuple[str, ...]:
    """Check that an Ogg file has all pages of one stream, undamaged, and return notes on it.

    Args:
        file: The open file.
        size: Size of the file in bytes.

    Raises:
        DamagedAudioError: A page is missing or damaged.
    """
    file.seek(0)
    position, last, serial, number = 0, False, b"", 0
    while not last:
        head = file.read(27)
        segments = file.read(head[26]) if len(head) == 27 else b""
        body = file.read(sum(segments))
        if len(head) < 27 or len(segments) < head[26] or len(body) < sum(segments):
            raise DamagedAudioError(f"is cut off: the last page of its stream is missing after byte {position}")
        if head[:4] != b"OggS" or _crc(head[:22] + bytes(4) + head[26:] + segments + body) != head[22:26]:
            raise DamagedAudioError(f"is damaged at byte {position}: the checksum of an Ogg page does not match")
        if serial and head[14:18] != serial:
            raise DamagedAudioError(f"holds a second stream at byte {position}, which is not read")
        if int.from_bytes(head[18:22], "little") != number:
            raise DamagedAudioError(f"is damaged at byte {position}: Ogg page {number} is missing")
        serial, number, last = head[14:18], number + 1, bool(head[5] & 4)
        position += 27 + len(segments) + len(body)
    trailing, notes = describe_rest(file, size, position)
    if trailing:
        raise DamagedAudioError(f"holds more data behind the end of its stream at byte {position}, which is not read")
    return notes


def _crc(page: bytes) -> bytes:
    """Return the checksum of an Ogg page: CRC-32 with the bits of bytes and result in reverse order."""
    reverse = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reverse:032b}"[::-1], 2).to_bytes(4, "little")


def mpeg_samples(file: BinaryIO, size: int, base: int) -> tuple[int, tuple[str, ...]] | None:
    """Return the number of samples of a channel in an MPEG stream, and notes on it; None for other files.

    Args:
        file: The open file.
        size: Size of the file in bytes.
        base: Offset of the first frame.

    Raises:
        DamagedAudioError: A frame is missing or damaged.
    """
    file.seek(base)
    head = file.read(4)
    if not _mpeg_frame(head)[0]:
        return None
    position, frames, samples = base, 0, 0
    stated: int | None = None
    while position + 4 <= size:
        file.seek(position)
        head = file.read(4)
        length, in_frame = _mpeg_frame(head)
        if not length:
            break
        if position + length > size:
            raise DamagedAudioError(f"is cut off: the frame at byte {position} is not complete")
        data = head + file.read(48) if position == base else b""
        tag = max(data.find(b"Xing"), data.find(b"Info"))
        if tag >= 0:
            flags, frames_stated = int.from_bytes(data[tag + 4 : tag + 8], "big"), data[tag + 8 : tag + 12]
            stated = int.from_bytes(frames_stated, "big") if flags & 1 else None
        else:
            frames, samples = frames + 1, samples + in_frame
        position += length
    trailing, notes = describe_rest(file, size, position)
    if trailing:
        raise DamagedAudioError(f"is damaged at byte {position}: there is no MPEG frame")
    if stated is not None and frames < stated:
        raise DamagedAudioError(f"is cut off: {frames} of {stated} MPEG frames are there")
    if stated is not None and frames > stated:
        raise DamagedAudioError(f"states {stated} MPEG frames, and has {frames}")
    return samples, notes if stated is not None else (*notes, without_length("this MPEG stream"))


def _mpeg_frame(head: bytes) -> tuple[int, int]:
    """Return the length in bytes and the samples of a frame from its header; zeros if it is none."""
    word = int.from_bytes(head, "big")
    version, layer = word >> 19 & 3, 4 - (word >> 17 & 3)
    bit_rate, rate, padding = word >> 12 & 15, word >> 10 & 3, word >> 9 & 1
    if word >> 21 != 0x7FF or version == 1 or layer == 4 or bit_rate in {0, 15} or rate == 3:
        return 0, 0
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    bits = _BIT_RATES[version == 3, layer][bit_rate] * 1000
    if layer == 1:
        return (12 * bits // hertz + padding) * 4, 384
    samples = 576 if layer == 3 and version != 3 else 1152
    return samples // 8 * bits // hertz + padding, samples


class FlacChecksum:
    """Check that a FLAC file is one stream whose samples have its checksum (MD5).

    Args:
        file: The open file.

    Raises:
        DamagedAudioError: There is a second stream.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        head = file.read(42)
        _check_one_stream(file, head[:8])
        self._bits = (int.from_bytes(head[20:22], "big") >> 4 & 31) + 1
        self._stored = head[26:42] if head[:4] == b"fLaC" else b""
        self._found = hashlib.md5(usedforsecurity=False)

    def update(self, samples: npt.NDArray[Any]) -> None:
        """Add the next samples (frames, channels), left-justified int32."""
        values = (samples >> (32 - self._bits)).astype("<i4")
        raw = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4)[:, : -(-self._bits // 8)]
        self._found.update(raw.tobytes())

    def check(self) -> tuple[str, ...]:
        """Return notes on the file, whose samples have all been added.

        Raises:
            DamagedAudioError: The samples differ.
        """
        if not any(self._stored):
            return ("it has no checksum, so a wrong length in its header cannot be detected",)
        if self._found.digest() != self._stored:
            raise DamagedAudioError("is damaged, or states a wrong length: its samples do not match its checksum (MD5)")
        return ()


def _check_one_stream(file: BinaryIO, start: bytes) -> None:
    """Check that the first bytes of a file do not come again.

    Raises:
        DamagedAudioError: There is a second stream.
    """
    file.seek(1)
    position, known = 1, b""
    while block := file.read(BLOCK):
        known += block
        if (second := known.find(start)) >= 0:
            raise DamagedAudioError(f"holds a second stream at byte {position + second}, which is not read")
        position, known = position + len(known) - len(start) + 1, known[len(known) - len(start) + 1 :]
