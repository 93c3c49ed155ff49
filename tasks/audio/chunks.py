"""Chunks of audio containers: RIFF, RIFX, RF64, BW64, W64, AIFF, AIFC, 8SVX, 16SV and CAF."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from tasks.audio import limits
from tasks.audio.extents import EXPORT, DamagedAudioError, Edit, Extent, describe_rest

W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
UNKNOWN = {0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF}  # lengths that writers leave if they cannot seek
CONTAINERS = {b"RIFF", b"riff", b"RIFX", b"RF64", b"BW64", b"FORM", b"caff"}
KNOWN = {b"fmt ", b"data", b"fact", b"LIST", b"bext", b"cue ", b"smpl", b"PEAK", b"JUNK", b"id3 ", b"ID3 "}
KNOWN |= {b"COMM", b"SSND", b"MARK", b"INST", b"ANNO", b"NAME", b"AUTH", b"VHDR", b"BODY", b"chan", b"free", b"pakt"}
FORMATS = {b"fmt ", b"COMM", b"VHDR", b"desc"}  # chunks that describe the samples
UNCOMPRESSED = {1, 3, 0xFFFE}  # encodings of wav: integers, floats, extensible
FLOATS, FLOAT_BITS = 3, (32, 64)
MAX_CHUNKS = 10_000
NESTED = {b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS"}  # first bytes of files


@dataclass(frozen=True, kw_only=True)
class Form:
    """Format of a family of chunks.

    Attributes:
        name: Name of the container.
        header: Bytes before the first chunk.
        id_bytes: Bytes of a chunk's id.
        length: Format of a chunk's length, for `struct`.
        whole: Whether the length counts the chunk's own header.
        alignment: Multiple of bytes to which chunks are padded.
        audio: Id of the chunk of audio.
        prefix: Bytes before the first sample in that chunk.
    """

    name: str
    header: int
    id_bytes: int = 4
    length: str
    whole: bool = False
    alignment: int = 2
    audio: bytes
    prefix: int = 0

    @property
    def head(self) -> int:
        """Return the number of bytes of a chunk's header."""
        return self.id_bytes + struct.calcsize(self.length)


def form(head: bytes) -> Form | None:
    """Return the format of a file's chunks from its first bytes; None if it has no chunks."""
    magic, kind = head[:4], head[8:12]
    if magic in {b"RIFF", b"RIFX", b"RF64", b"BW64"}:
        return Form(name=magic.decode(), header=12, length=">I" if magic == b"RIFX" else "<I", audio=b"data")
    if magic == b"FORM" and kind in {b"AIFF", b"AIFC"}:
        return Form(name=kind.decode(), header=12, length=">I", audio=b"SSND", prefix=8)
    if magic == b"FORM" and kind in {b"8SVX", b"16SV"}:
        return Form(name=kind.decode(), header=12, length=">I", audio=b"BODY")
    if head[:16] == W64_RIFF:
        return Form(name="W64", header=40, id_bytes=16, length="<Q", whole=True, alignment=8, audio=b"data")
    if magic == b"caff":
        return Form(name="CAF", header=8, length=">q", alignment=1, audio=b"data", prefix=4)
    return None


def extent(file: BinaryIO, size: int, base: int) -> Extent | None:
    """Return the extent of the audio in a file of chunks; None if it has no chunks.

    Args:
        file: The open file.
        size: Size of the file in bytes.
        base: Offset at which the container begins.

    Raises:
        DamagedAudioError: There is no chunk of audio, or more than one.
    """
    file.seek(base)
    kind = form(file.read(16))
    return None if kind is None else _Walk(file, size, kind).extent(base + kind.header)


def _check_format(encoding: int, channels: int, block: int, bits: int) -> None:
    """Check that uncompressed samples fill their frame; libsndfile would read another encoding, or gaps as samples."""
    if encoding in UNCOMPRESSED and channels and block and block != channels * -(-bits // 8):
        raise DamagedAudioError(
            f"has a header that contradicts itself: {bits} bits of {channels} channels in blocks of {block} bytes"
        )
    if encoding == FLOATS and bits not in FLOAT_BITS:
        raise DamagedAudioError(f"has a header that contradicts itself: floats of {bits} bits, which are 32 or 64")


class _Walk:
    """Walk over the chunks of a file."""

    def __init__(self, file: BinaryIO, size: int, kind: Form) -> None:
        self.file, self.size, self.kind = file, size, kind
        self.pads: list[Edit] = []
        self.long_length: int | None = None  # of the audio, in the chunk ds64
        self.frames: int | None = None
        self.formats: dict[bytes, int] = {}  # positions of the chunks that describe the samples, by id

    def extent(self, position: int) -> Extent:
        """Return the extent of the audio; the first chunk is at `position`."""
        kind = self.kind
        for _ in range(MAX_CHUNKS):
            name, length = self._chunk(position)
            if name is None:
                break
            if name == kind.audio:
                if kind.audio == b"data" and b"fmt " not in self.formats and kind.name != "CAF":
                    raise DamagedAudioError("has no chunk fmt before its audio: rate and encoding are unknown")
                return self._audio(position, length)
            if name in FORMATS and self.formats.setdefault(name, position) != position:
                word, first = name.decode().strip(), self.formats[name]
                what = f"has two chunks {word} (at bytes {first} and {position}), which may differ in rate and encoding"
                raise DamagedAudioError(what, EXPORT)
            self._facts(name, position + kind.head)
            position = self._next(position, length)
        else:
            raise DamagedAudioError(f"has more than {MAX_CHUNKS:,} chunks before its audio")
        raise DamagedAudioError(f"is cut off before its audio: {kind.name} without the chunk {kind.audio.decode()}")

    def _chunk(self, position: int) -> tuple[bytes | None, int]:
        """Return the id and the length of the body of a chunk; None at the end of the file."""
        kind = self.kind
        head = self._bytes(position, kind.head)
        if len(head) < kind.head:
            return None, 0
        (length,) = struct.unpack(kind.length, head[kind.id_bytes :])
        return head[:4], length - kind.head if kind.whole else length

    def _bytes(self, position: int, count: int) -> bytes:
        if not 0 <= position < self.size:
            return b""
        self.file.seek(position)
        return self.file.read(count)

    def _next(self, position: int, length: int) -> int:
        """Return the position behind the chunk at `position`, and note a missing pad byte."""
        if length < 0:
            return self.size
        end = position + self.kind.head + length
        padded = end + (position - end) % self.kind.alignment
        if padded == end or self.kind.alignment != 2:
            return padded
        here = self._bytes(end, 5)
        if here[:1] == b"\0" or here[1:] in KNOWN or not self._is_chunk(end):
            return padded
        self.pads.append(Edit(position=end, replaced=0, new=b"\0"))
        return end

    def _is_chunk(self, position: int) -> bool:
        """Return whether bytes look like a chunk: a printable id, and a length within the file unless it is known."""
        name, length = self._chunk(position)
        if name is None or name in CONTAINERS:
            return False
        printable = all(32 <= byte < 127 for byte in name)
        return printable and (name in KNOWN or 0 <= length <= self.size - position)

    def _facts(self, name: bytes, body: int) -> None:
        """Note the lengths that chunks before the audio state, and check the format of samples."""
        if name == b"fmt " and len(values := self._bytes(body, 16)) == 16:
            order = ">" if self.kind.length == ">I" else "<"
            encoding, channels, rate, block, bits = struct.unpack(f"{order}HHI4xHH", values)
            limits.check_rate(rate)
            _check_format(encoding, channels, block, bits)
        if name == b"ds64":
            values = self._bytes(body + 8, 16)
            if len(values) == 16:
                self.long_length, frames = struct.unpack("<QQ", values)
                self.frames = frames or None
        elif name == b"COMM" and len(values := self._bytes(body + 2, 4)) == 4:
            (self.frames,) = struct.unpack(">I", values)

    def _audio(self, position: int, length: int) -> Extent:
        """Return the extent of the audio chunk at `position`."""
        kind = self.kind
        start = position + kind.head + kind.prefix
        stated = length - kind.prefix
        held = self.size - start
        if self._bytes(start, 4) in NESTED:
            raise DamagedAudioError("holds the header of another file where its audio should begin")
        notes = self._notes()
        if self.long_length is not None and length == 0xFFFFFFFF:
            stated = self.long_length
        elif held > 0 and stated != held and (length in UNKNOWN or stated <= 0):
            if length != 0 or self._behind(position, 0) != (0, ()):
                return self._to_the_end(position, length)
            stated = 0  # an empty chunk, and others behind it
        trailing, more = self._behind(position, kind.prefix + stated) if 0 <= stated < held else (0, ())
        return Extent(
            container=kind.name,
            start=start,
            stated=stated,
            trailing=trailing,
            frames=self.frames,
            edits=tuple(self.pads),
            notes=notes + more,
        )

    def _to_the_end(self, position: int, length: int) -> Extent:
        """Return the extent from the audio chunk at `position` to the end of the file."""
        kind = self.kind
        body = position + kind.head
        whole = self.size - (position if kind.whole else body)
        field = Edit(
            position=position + kind.id_bytes, replaced=kind.head - kind.id_bytes, new=struct.pack(kind.length, whole)
        )
        note = f"the chunk {kind.audio.decode()} states no length ({length}): read to the end of the file"
        return Extent(
            container=kind.name,
            start=body + kind.prefix,
            stated=None,
            edits=(*self.pads, field),
            notes=(*self._notes(), note),
        )

    def _notes(self) -> tuple[str, ...]:
        places = ", ".join(str(edit.position) for edit in self.pads)
        return (f"an odd chunk lacks its pad byte (at byte {places})",) if self.pads else ()

    def _behind(self, position: int, length: int) -> tuple[int, tuple[str, ...]]:
        """Return the number of bytes behind the audio chunk at `position` that belong to no chunk, and notes.

        Raises:
            DamagedAudioError: There is a second chunk of audio.
        """
        pads = list(self.pads)  # libsndfile needs no pad bytes behind the audio
        position = self._next(position, length)
        for _ in range(MAX_CHUNKS):
            if not self._is_chunk(position):
                break
            name, length = self._chunk(position)
            if name == self.kind.audio and length > 0:
                raise DamagedAudioError(f"has a second chunk {name.decode()} of {length} bytes, which is not read")
            position = self._next(position, length)
        self.pads = pads
        return describe_rest(self.file, self.size, position)
