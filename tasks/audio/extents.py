"""Extent of the audio in a file: the bytes that the header states, and the bytes that are there."""

import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

SHORT = 8  # bytes; fewer cannot be a chunk
EXPORT = "export it again from the program that made it"
BLOCK = 1 << 20  # bytes read at a time


class DamagedAudioError(Exception):
    """Fault of a file.

    Args:
        what: Text that completes "The recording NAME …".
        hint: Next step.
    """

    def __init__(
        self, what: str, hint: str = "copy or download it again; if it is complete, convert it to wav"
    ) -> None:
        self.what, self.hint = what, hint
        super().__init__(what)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Correction of a header.

    Attributes:
        position: Offset in the file.
        replaced: Number of bytes that are replaced.
        new: Bytes in their place.
    """

    position: int
    replaced: int
    new: bytes


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Place and length of the audio in a file.

    Attributes:
        container: Name of the container.
        start: Offset of the first byte of audio.
        stated: Bytes of audio that the header states; None if it states no length.
        rest: Offset of the bytes behind the audio and its metadata; 0 if they follow the audio.
        trailing: Bytes behind the audio that are neither audio nor metadata.
        frames: Frames that another field of the header states; None without such a field.
        edits: Corrections without which libsndfile does not read the audio, by position.
        notes: Properties of the file that its user should know.
    """

    container: str
    start: int
    stated: int | None
    rest: int = 0
    trailing: int = 0
    frames: int | None = None
    edits: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()

    def missing(self, size: int) -> int:
        """Return the number of stated bytes that a file of `size` bytes lacks."""
        return 0 if self.stated is None else max(0, self.start + self.stated - size)


class RepairedFile(io.RawIOBase):
    """Content of a file with corrections, without a copy of it.

    Args:
        path: Path of the file.
        size: Size of the file in bytes.
        edits: Corrections by position.
    """

    def __init__(self, path: Path, size: int, edits: tuple[Edit, ...]) -> None:
        self._file = path.open("rb")
        self._parts: list[tuple[int, bytes | int, int]] = []  # end in the content, bytes or place in the file, length
        self._size = self._position = 0
        place = 0
        for edit in edits:
            self._add(place, edit.position - place)
            self._add(edit.new, len(edit.new))
            place = edit.position + edit.replaced
        self._add(place, size - place)

    def _add(self, source: bytes | int, length: int) -> None:
        self._size += length
        self._parts.append((self._size, source, length))

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position of the corrected content, and return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the position in the corrected content."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the position on, and return the number of bytes."""
        view = memoryview(buffer).cast("B")
        filled = 0
        for end, source, length in self._parts:
            wanted = min(len(view) - filled, end - self._position)
            if wanted <= 0:
                continue
            inside = self._position - (end - length)
            if isinstance(source, bytes):
                view[filled : filled + wanted] = source[inside : inside + wanted]
            else:
                self._file.seek(source + inside)
                wanted = self._file.readinto(view[filled : filled + wanted])
            filled, self._position = filled + wanted, self._position + wanted
        return filled

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def without_length(container: str) -> str:
    """Return the note on a container or file that states no length."""
    return f"{container} states no length of its audio: a cut-off end cannot be detected"


def id3_bytes(head: bytes) -> int:
    """Return the length of an ID3v2 tag from its first ten bytes; 0 for other bytes."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    return 10 + length


def describe_rest(file: BinaryIO, size: int, position: int) -> tuple[int, tuple[str, ...]]:
    """Return the number of unexplained bytes from `position` to the end of a file, and notes.

    A pad byte and tags of players are explained. Zeros and a few bytes are told in a note.
    """
    position = _behind_tags(file, position)
    length = size - position
    if length <= 1:
        return 0, ()
    file.seek(position)
    if length < SHORT or not any(block.strip(b"\0") for block in iter(partial(file.read, BLOCK), b"")):
        return 0, (f"{length} bytes behind the audio are not read",)
    return length, ()


def _behind_tags(file: BinaryIO, position: int) -> int:
    """Return the position behind the tags at `position`, which players append to any container."""
    while True:
        file.seek(position)
        head = file.read(32)
        if length := id3_bytes(head):
            position += length
        elif head[:3] == b"TAG":
            position += 227 if head[3:4] == b"+" else 128
        elif head[:8] == b"APETAGEX":
            position += 32 + int.from_bytes(head[12:16], "little")
        else:
            return position
