"""Opening of recordings in all containers of libsndfile, with checks of the header, the extent and the content."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
import soundfile

from tasks.audio import chunks, headers, limits, mpeg4, other_formats, packets
from tasks.audio.extents import EXPORT, DamagedAudioError, Extent, RepairedFile, id3_bytes, without_length

FLOATS = {"FLOAT": "float32", "DOUBLE": "float64"}
BIT_DEPTHS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_WIDTHS = {subtype: bits // 8 for subtype, bits in BIT_DEPTHS.items()} | {"ULAW": 1, "ALAW": 1}
_PLAIN = {"AIFF", "AIFC", "AU", "AVR", "CAF", "MAT4", "MAT5", "MPC2K", "NIST", "W64", "WVE"}  # frames without padding
_DELAY = 4096  # samples at the start and the end that an MPEG decoder may leave out


class OpenRecording:
    """Recording whose header and extent are checked, to be read from its start to its end.

    Attributes:
        rate: Sample rate in Hz.
        channels: Number of channels.
        frames: Number of frames by the header.
        subtype: Encoding of the samples, in the words of libsndfile.
        notes: Properties of the file that its user should know; complete after `finish`.
    """

    def __init__(self, path: Path, bounds: limits.Bounds) -> None:
        """Open a recording.

        Args:
            path: Path of the file.
            bounds: Limits of its length.

        Raises:
            DamagedAudioError: The file is no recording, or is beyond the limits.
        """
        self.path = path
        self._position = 0
        with _refusing(path), ExitStack() as files:
            if not path.is_file():
                raise DamagedAudioError("is no file", "name a file")
            self._open(files.enter_context(path.open("rb")), bounds, files)
            self._files = files.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def _open(self, file: BinaryIO, bounds: limits.Bounds, files: ExitStack) -> None:
        path, size = self.path, self.path.stat().st_size
        if size == 0:
            raise DamagedAudioError("is empty: the file has 0 bytes")
        bounds.check_bytes(size)
        head = file.read(10)
        self._file = file
        self._decoded: npt.NDArray[Any] | None = None
        self._checksum: packets.FlacChecksum | None = None
        self._expected: int | None = None
        if mpeg4.is_one(head):
            found = mpeg4.read(path, head)
            self._decoded = found.samples
            self.rate, self.subtype, self.notes = found.rate, found.codec, found.notes
            self.frames, self.channels = found.samples.shape
            return
        base = id3_bytes(head)  # libsndfile skips a tag
        mpeg = packets.mpeg_samples(file, size, base)
        extent = chunks.extent(file, size, base) or headers.au(file, size)
        sound = files.enter_context(_sound(_source(path, file, extent, size), extent, file, size))
        _check_header(sound, bounds)
        self._sound = sound
        self.rate, self.channels, self.frames, self.subtype = (
            sound.samplerate,
            sound.channels,
            sound.frames,
            sound.subtype,
        )
        if sound.format == "OGG":
            self.notes = packets.check_ogg(file, size)
        else:
            self.notes = _check_extent(sound, extent or _extent(sound, file, size), size)
        if mpeg:
            self._expected, self.notes = mpeg
        if sound.format == "FLAC":
            self._checksum = packets.FlacChecksum(file)

    def read(self, count: int) -> npt.NDArray[Any]:
        """Return the next samples (frames, channels), as stored; fewer than `count` frames only at the end.

        Args:
            count: Largest number of frames.

        Raises:
            DamagedAudioError: The samples cannot be decoded, or are no numbers.
        """
        count = min(count, self.frames - self._position)
        with _refusing(self.path):
            if self._decoded is not None:
                samples = self._decoded[self._position : self._position + count]
            else:
                # A number of frames, because not all encodings can seek, and soundfile reads these only so.
                samples = self._sound.read(count, dtype=FLOATS.get(self.subtype, "int32"), always_2d=True)
                if self._checksum:
                    self._checksum.update(samples)
            if samples.dtype != np.int32 and len(samples):
                _check_values(samples)
        self._position += len(samples)
        return samples

    def finish(self) -> None:
        """Check that all samples were read, and complete the notes.

        Raises:
            DamagedAudioError: Samples are missing or differ from their checksum.
        """
        count = self._position
        with _refusing(self.path):
            if self._expected is not None:
                if count < self._expected - _DELAY:
                    what = f"is decoded to {count} of {self._expected} frames: its header (Xing) states no length"
                    raise DamagedAudioError(what)
            elif count != self.frames:
                seconds = count / self.rate
                raise DamagedAudioError(f"ends after {count} of {self.frames} frames ({seconds:.2f} s)")
            if count == 0:
                raise DamagedAudioError("holds no samples")
            if self._checksum:
                self.notes = self._checksum.check()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn each fault that a file can have into a DamagedAudioError that says what the file is."""
    try:
        try:
            yield
        except (DamagedAudioError, soundfile.SoundFileError) as error:
            with path.open("rb") as file:
                raise other_formats.explain(error, file.read(other_formats.HEAD), path) from error
    except OSError as error:
        raise DamagedAudioError(
            f"cannot be read: {error.strerror or error}", "check the path and its rights"
        ) from error
    except UnicodeEncodeError as error:
        raise DamagedAudioError("has a name that is not UTF-8", "rename the file") from error
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        raise DamagedAudioError(f"cannot be read as audio: {error}") from error


def _source(path: Path, file: BinaryIO, extent: Extent | None, size: int) -> Path | io.RawIOBase | io.BytesIO:
    """Return what libsndfile opens: the path, or the content where the path would not do."""
    if extent and extent.edits and not extent.missing(size):
        return RepairedFile(path, size, extent.edits)
    if path.suffix.lower() == ".raw" and size <= limits.MAX_RAW_BYTES:
        file.seek(0)
        return io.BytesIO(file.read())  # by its suffix, libsndfile would take the header for samples
    return path


def _sound(source: Any, extent: Extent | None, file: BinaryIO, size: int) -> soundfile.SoundFile:
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


def _check_header(sound: soundfile.SoundFile, bounds: limits.Bounds) -> None:
    """Check rate, channels and length before any work."""
    limits.check_rate(sound.samplerate)
    if sound.frames >= 2**62:
        raise DamagedAudioError("states no number of samples, as FLAC does that was written to a pipe")
    bounds.check(sound.samplerate, sound.channels, sound.frames)


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
