"""Reading of recordings in all containers of libsndfile, complete or refused."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from tasks.audio import chunks, headers, limits, mpeg4, other_formats, packets
from tasks.audio.extents import EXPORT, DamagedAudioError, Extent, id3_bytes, repaired, without_length
from tasks.runtime.errors import BreathlineError

_FLOATS = {"FLOAT": "float32", "DOUBLE": "float64"}
_BIT_DEPTHS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_WIDTHS = {subtype: bits // 8 for subtype, bits in _BIT_DEPTHS.items()} | {"ULAW": 1, "ALAW": 1}
_PLAIN = {"AIFF", "AIFC", "AU", "AVR", "CAF", "MAT4", "MAT5", "MPC2K", "NIST", "W64", "WVE"}  # frames without padding
_DELAY = 4096  # samples at the start and the end that an MPEG decoder may leave out


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Samples and format of a recording, as stored in its file."""

    # Samples (frames, channels). Integers of any depth are left-justified int32 with full scale at 2³¹, so that another
    # depth gives the same samples. Floats are float32 or float64 with full scale at 1.
    samples: npt.NDArray[Any]
    rate: int  # sample rate in Hz
    subtype: str  # encoding of the samples, in the words of libsndfile
    bit_depth: int | None  # bits of a sample; None for encodings without a fixed depth
    notes: tuple[str, ...] = ()  # properties of the file that its user should know, such as a repaired header

    def normalised(self) -> npt.NDArray[np.float32]:
        """Return the samples as (frames, channels) float32 with full scale at 1."""
        if self.samples.dtype == np.int32:
            return self.samples.astype(np.float32) * np.float32(2.0**-31)
        return self.samples.astype(np.float32)


def read(path: Path) -> Audio:
    """Return the audio of a file.

    A file is read as a whole, or refused. Headers with one harmless fault are corrected, which a note tells.

    Raises:
        BreathlineError: The file cannot be decoded, is cut off, is empty, is beyond `tasks.audio.limits`, or has
            samples that are no numbers.
    """
    try:
        with enough_memory(path):
            return _read_or_refuse(path)
    except DamagedAudioError as error:
        raise BreathlineError(f"The recording {path.name} {error.what}.", where=path, hint=error.hint) from error


@contextmanager
def enough_memory(path: Path) -> Iterator[None]:
    """Turn a lack of memory into an error that names the recording.

    Raises:
        BreathlineError: The block needs more memory than there is.
    """
    try:
        yield
    except MemoryError as error:
        what = f"The recording {path.name} needs more memory than there is."
        raise BreathlineError(what, where=path, hint=f"{limits.SHORTER}, or end other programs") from error


def _read_or_refuse(path: Path) -> Audio:
    """Read a file; each fault that a file can have is a DamagedAudioError."""
    try:
        if not path.is_file():
            raise DamagedAudioError("is no file", "name a file")
        with path.open("rb") as file:
            try:
                return _read(path, file)
            except (DamagedAudioError, soundfile.SoundFileError) as error:
                file.seek(0)
                raise other_formats.explain(error, file.read(other_formats.HEAD), path) from error
    except OSError as error:
        raise DamagedAudioError(
            f"cannot be read: {error.strerror or error}", "check the path and its rights"
        ) from error
    except UnicodeEncodeError as error:
        raise DamagedAudioError("has a name that is not UTF-8", "rename the file") from error
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        raise DamagedAudioError(f"cannot be read as audio: {error}") from error


def _read(path: Path, file: BinaryIO) -> Audio:
    size = path.stat().st_size
    if size == 0:
        raise DamagedAudioError("is empty: the file has 0 bytes")
    if size > limits.MAX_BYTES:
        raise DamagedAudioError(f"has {size:,} bytes; up to {limits.MAX_BYTES:,} are read", limits.SHORTER)
    head = file.read(10)
    if mpeg4.is_one(head):
        return _decoded(path, head)
    base = id3_bytes(head)  # libsndfile skips a tag
    mpeg = packets.mpeg_samples(file, size, base)
    extent = chunks.extent(file, size, base) or headers.au(file, size)
    with _open(_source(path, file, extent, size), extent, file, size) as sound:
        _check_header(sound)
        container, subtype, rate, frames = sound.format, sound.subtype, sound.samplerate, sound.frames
        if container == "OGG":
            notes = packets.check_ogg(file, size)
        else:
            notes = _check_extent(sound, extent or _extent(sound, file, size), size)
        # A number of frames, because not all encodings can seek, and soundfile reads these only so.
        samples = sound.read(frames, dtype=_FLOATS.get(subtype, "int32"), always_2d=True)
    if mpeg:
        expected, notes = mpeg
        if len(samples) < expected - _DELAY:
            what = f"is decoded to {len(samples)} of {expected} frames: its header (Xing) states no length"
            raise DamagedAudioError(what)
    elif len(samples) != frames:
        raise DamagedAudioError(f"ends after {len(samples)} of {frames} frames ({len(samples) / rate:.2f} s)")
    if len(samples) == 0:
        raise DamagedAudioError("holds no samples")
    if container == "FLAC":
        notes = packets.check_flac(file, samples)
    if subtype in _FLOATS:
        _check_values(samples)
    return Audio(samples=samples, rate=rate, subtype=subtype, bit_depth=_BIT_DEPTHS.get(subtype), notes=notes)


def _decoded(path: Path, head: bytes) -> Audio:
    """Return the audio of a file that libsndfile does not read."""
    found = mpeg4.read(path, head)
    _check_values(found.samples)
    return Audio(samples=found.samples, rate=found.rate, subtype=found.codec, bit_depth=None, notes=found.notes)


def _source(path: Path, file: BinaryIO, extent: Extent | None, size: int) -> Path | io.BytesIO:
    """Return what libsndfile opens: the path, or the content where the path would not do."""
    if extent and extent.edits and not extent.missing(size):
        if size > limits.MAX_REPAIRED_BYTES:
            what = f"has a fault in its header ({'; '.join(extent.notes)}), which is repaired up to"
            raise DamagedAudioError(f"{what} {limits.MAX_REPAIRED_BYTES:,} bytes, not {size:,}")
        file.seek(0)
        return io.BytesIO(repaired(file.read(), extent.edits))
    if path.suffix.lower() == ".raw" and size <= limits.MAX_REPAIRED_BYTES:
        file.seek(0)
        return io.BytesIO(file.read())  # by its suffix, libsndfile would take the header for samples
    return path


def _open(source: Any, extent: Extent | None, file: BinaryIO, size: int) -> soundfile.SoundFile:
    """Open a file; if libsndfile cannot, the fault may be missing audio, which the header tells."""
    try:
        return soundfile.SoundFile(source)
    except soundfile.LibsndfileError:
        file.seek(0)
        if file.read(4) == b"OggS":
            packets.check_ogg(file, size)
        found = extent or headers.extent(file, size, None)
        if found and (missing := found.missing(size)):
            raise DamagedAudioError(f"is cut off: {missing} of {found.stated} bytes of audio are missing") from None
        if found and found.trailing:
            what = f"holds {found.trailing} bytes behind its audio that are not read, perhaps a second recording"
            raise DamagedAudioError(what) from None
        raise


def _check_header(sound: soundfile.SoundFile) -> None:
    """Check rate, channels and length before any work."""
    limits.check_rate(sound.samplerate)
    if sound.frames >= 2**62:
        raise DamagedAudioError("states no number of samples, as FLAC does that was written to a pipe")
    limits.check_size(sound.samplerate, sound.channels, sound.frames)


def _extent(sound: soundfile.SoundFile, file: BinaryIO, size: int) -> Extent | None:
    """Return the extent of audio that is not in chunks; None if another check finds what is missing."""
    if sound.format in {"FLAC", "HTK"} or sound.subtype.startswith("MPEG"):  # libsndfile compares the length of HTK
        return None
    width = _WIDTHS.get(sound.subtype)
    found = headers.extent(file, size, width and width * sound.channels)
    if found is None and sound.format == "SD2":
        return Extent(container="SD2", start=0, stated=None, notes=(without_length("SD2"),))
    if found is None:
        raise DamagedAudioError(f"is in the container {sound.format}, whose completeness cannot be checked")
    return found


def _check_extent(sound: soundfile.SoundFile, extent: Extent | None, size: int) -> tuple[str, ...]:
    """Check that the audio is whole, and return the notes on it."""
    if extent is None:
        return ()
    held = size - extent.start
    seconds = sound.frames / sound.samplerate
    stated = held if extent.stated is None else extent.stated
    per_byte = seconds / max(1, stated if extent.frames == sound.frames else min(held, stated))
    if missing := extent.missing(size):
        raise DamagedAudioError(
            f"is cut off: {missing} of {stated} bytes of audio are missing "
            f"({missing * per_byte:.2f} of {stated * per_byte:.2f} s)"
        )
    if extent.trailing:
        raise DamagedAudioError(
            f"states {stated} bytes of audio ({seconds:.2f} s), but {extent.trailing} more bytes "
            f"follow, perhaps {extent.trailing * per_byte:.2f} s of audio"
        )
    frame = _WIDTHS.get(sound.subtype, 0) * sound.channels
    if frame and extent.frames is not None and extent.frames > sound.frames:
        raise DamagedAudioError(f"is cut off: its header states {extent.frames} frames, {sound.frames} are there")
    notes, unread = extent.notes, stated - sound.frames * frame
    if frame and extent.stated is None and 0 < unread < frame:
        notes += (f"the last {unread} bytes are less than a frame",)
    elif frame and extent.container in _PLAIN and unread >= frame:
        raise DamagedAudioError(f"states {stated} bytes of audio, of which libsndfile reads {stated - unread}")
    return notes


def _check_values(samples: npt.NDArray[Any]) -> None:
    """Check that floats are finite, and within the scale of 32-bit integers."""
    lowest, highest = samples.min(), samples.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise DamagedAudioError("holds samples that are not finite numbers", EXPORT)
    if (largest := max(-lowest, highest)) > limits.MAX_LEVEL:
        what = f"holds samples up to {largest:.3g}; full scale is 1, and 2³¹ for 32-bit integers"
        raise DamagedAudioError(what, EXPORT)
