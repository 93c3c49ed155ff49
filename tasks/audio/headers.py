"""Lengths in the headers of audio containers without chunks."""

import re
import struct
from dataclasses import replace
from typing import BinaryIO

from tasks.audio.extents import DamagedAudioError, Edit, Extent, describe_rest, without_length

HEAD = 1024  # bytes of a file that hold the lengths
NO_LENGTH = {b" paf": ("PAF", 2048), b"fap ": ("PAF", 2048)}
FIXED = (  # magic, container, start, format and place of the length, bytes that it counts (0: frames)
    (b"2BIT", "AVR", 128, ">I", 26, 0),
    (b"\x01\x04", "MPC2K", 42, "<I", 30, 0),
    (b"ALawSoundFile**", "WVE", 32, ">I", 18, 1),
)
VOC_BLOCKS = range(1, 10)
VOC_SOUND = {1: 2, 2: 0, 3: 3, 9: 12}  # bytes before the samples in a block of sound, by its type
MAX_BLOCKS = 10_000
MAT4_WIDTHS = (8, 4, 4, 2, 2, 1)  # bytes of a value, by the type's third digit


def extent(file: BinaryIO, size: int, frame_bytes: int | None) -> Extent | None:
    """Return the extent of the audio by the header of its container; None for an unknown container.

    Args:
        file: The open file.
        size: Size of the file in bytes.
        frame_bytes: Bytes of a frame; None if the encoding has no fixed number.

    Raises:
        DamagedAudioError: The header is cut off, or there is audio that is not read.
    """
    file.seek(0)
    head = file.read(HEAD)
    try:
        found = _walked(file, head) or _stated(head, frame_bytes or 1)
    except struct.error as error:
        raise DamagedAudioError("is cut off within its header") from error
    if found is None or found.stated is None:
        return found or _without_length(head)
    trailing, notes = describe_rest(file, size, found.rest or found.start + found.stated)
    return replace(found, trailing=trailing, notes=found.notes + notes)


def au(file: BinaryIO, size: int) -> Extent | None:
    """Return the extent of the audio of an AU file; None for another container.

    Args:
        file: The open file.
        size: Size of the file in bytes.
    """
    file.seek(0)
    head = file.read(12)
    if head[:4] not in {b".snd", b"dns."} or len(head) < 12:
        return None
    start, length = struct.unpack_from(">II" if head[:1] == b"." else "<II", head, 4)
    if length == 0xFFFFFFFF:
        return Extent(container="AU", start=start, stated=None, notes=(without_length("the header"),))
    if length == 0 and size > start:
        edit = Edit(position=8, replaced=4, new=b"\xff" * 4)
        return Extent(container="AU", start=start, stated=None, edits=(edit,), notes=(without_length("the header"),))
    trailing, notes = describe_rest(file, size, start + length)
    return Extent(container="AU", start=start, stated=length, trailing=trailing, notes=notes)


def _stated(head: bytes, width: int) -> Extent | None:
    """Return the extent of the audio by one field of the header; None for other containers.

    Args:
        head: First bytes of the file.
        width: Bytes of a frame.
    """
    for magic, container, start, order, place, unit in FIXED:
        if head.startswith(magic):
            (length,) = struct.unpack_from(order, head, place)
            return Extent(container=container, start=start, stated=length * (unit or width))
    if head[:7] == b"NIST_1A":
        return _nist(head, width)
    if head[:2] == b"\xf0\x7e":
        return _sds(head)
    if head[:20] == b"Extended Instrument:":
        count, length = struct.unpack_from("<HI", head, 296)
        if count != 1:
            raise DamagedAudioError(f"has {count} samples of an instrument, of which only the first is read")
        return Extent(container="XI", start=338, stated=length) if length else None
    return None


def _walked(file: BinaryIO, head: bytes) -> Extent | None:
    """Return the extent of the audio by a walk over blocks or matrices; None for other containers."""
    if head[:19] == b"Creative Voice File":
        return _voc(file, head)
    if head[126:128] in {b"IM", b"MI"} and head[:6] == b"MATLAB":
        return _mat5(file, "<" if head[126:128] == b"IM" else ">")
    if head[20:31] == b"samplerate\0":  # a matrix of one row
        return _mat4(file, "<" if head[4] else ">")
    return None


def _nist(head: bytes, width: int) -> Extent:
    start = re.match(rb"NIST_1A\n\s*(\d{1,9})\n", head)
    count = re.search(rb"\nsample_count -i (\d{1,18})\n", head)
    if start is None or count is None:
        raise DamagedAudioError("has a NIST header without its length or its number of samples")
    return Extent(container="NIST", start=int(start[1]), stated=int(count[1]) * width)


def _sds(head: bytes) -> Extent:
    (bits,) = struct.unpack_from("B", head, 6)
    low, middle, high = struct.unpack_from("3B", head, 10)
    samples = low | middle << 7 | high << 14
    in_packet = 60 if bits <= 14 else 40 if bits <= 21 else 30
    return Extent(container="SDS", start=21, stated=-(-samples // in_packet) * 127, frames=samples)


def _voc(file: BinaryIO, head: bytes) -> Extent:
    """Return the extent of the only block of sound, to which the blocks behind it are counted."""
    (position,) = struct.unpack_from("<H", head, 20)
    found: Extent | None = None
    for _ in range(MAX_BLOCKS):
        file.seek(position)
        block = file.read(4)
        if len(block) < 4 or block[0] not in VOC_BLOCKS:
            break
        kind, length = block[0], int.from_bytes(block[1:], "little")
        if kind in VOC_SOUND:
            if found is not None:
                raise DamagedAudioError(f"has further audio at byte {position}, of which only the first block is read")
            own = VOC_SOUND[kind]
            found = Extent(container="VOC", start=position + 4 + own, stated=length - own)
        position += 4 + length
    if found is None:
        raise DamagedAudioError("is cut off before its audio: VOC without a block of sound")
    return replace(found, rest=position + (block[:1] == b"\0"))


def _mat5(file: BinaryIO, order: str) -> Extent:
    """Return the extent of the values of the second matrix, which are the samples; the first holds the rate."""

    def element(position: int) -> tuple[int, int]:
        """Return the positions of the values and of the next element."""
        file.seek(position)
        kind, length = struct.unpack(f"{order}II", file.read(8))
        return position + 8, position + 8 + (0 if kind >> 16 else length)

    position = element(128)[1] + 8
    for _ in ("flags", "dimensions", "name"):
        position = element(position)[1]
        position += -position % 8
    start, end = element(position)
    return Extent(container="MAT5", start=start, stated=end - start)


def _mat4(file: BinaryIO, order: str) -> Extent:
    """Return the extent of the second matrix, which holds the samples; the first holds the rate."""
    start = length = 0
    for _ in ("samplerate", "wavedata"):
        file.seek(start + length)
        kind, rows, columns, imaginary, name = struct.unpack(f"{order}5I", file.read(20))
        start += length + 20 + name
        length = rows * columns * MAT4_WIDTHS[min(kind // 10 % 10, 5)] * (2 if imaginary else 1)
    return Extent(container="MAT4", start=start, stated=length)


def _without_length(head: bytes) -> Extent | None:
    """Return the extent of the audio of a container that states no length."""
    known = NO_LENGTH.get(head[:4])
    if known is None and b"\x64\xa3" in {head[:2], head[3:1:-1]}:
        known = ("IRCAM", 1024)
    if head[:20] == b"Extended Instrument:":
        known = ("XI", 338)
    if known is None and (text := re.match(rb"PVF1\n[^\n]*\n", head)):
        known = ("PVF", text.end())
    if known is None:
        return None
    name, start = known
    return Extent(container=name, start=start, stated=None, notes=(without_length(name),))
