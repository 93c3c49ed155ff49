"""Content of files that libsndfile does not read, from their first bytes: other formats of sound, other files, text."""

import codecs
from pathlib import Path

import soundfile

from tasks.audio import mpeg4
from tasks.audio.extents import DamagedAudioError

HEAD = 512  # bytes of a file that tell its content
SHOWN = 40  # characters of a text

FORMATS = (  # offset, first bytes, name
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a zip archive, or a document in one"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a rar archive"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Office program"),
    (0, b"\x89PNG", "an image (PNG)"),
    (0, b"\xff\xd8\xff", "an image (JPEG)"),
    (0, b"GIF8", "an image (GIF)"),
    (0, b"\x89HDF", "a file of HDF5 or MATLAB 7.3"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"\x80\x04", "a pickle of Python"),
    (0, b"\x93NUMPY", "an array of NumPy"),
)
SOUND = (  # the same, of formats with sound that libsndfile does not read
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (wma, wmv)"),
    (0, b"FLV\x01", "Flash Video"),
    (0, b"#!AMR", "AMR"),
    (0, b"\x0bw", "AC-3"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"DSD ", "DSD"),
    (0, b".RMF", "RealMedia"),
    (0, b"0       ", "EDF, a format of biosignals"),
)
RIFF_KINDS = {b"AVI ": "a video (AVI)", b"WEBP": "an image (WebP)", b"RMID": "a MIDI file", b"ACON": "a cursor"}
REASONS = {  # texts, by a part of those of libsndfile
    "Format not recognised": "is in no format that is read",
    "SF_INFO struct incomplete": "states a rate or a number of channels that no recording has",
    "Channel count is zero": "states 0 channels",
    "Malformed 'fmt ' chunk": "has a chunk fmt that contradicts itself or states an unknown encoding",
    "flac decoder lost sync": "is damaged or cut off: a frame of FLAC cannot be decoded",
}
CONVERT = mpeg4.CONVERT
REPLACE = "name the recording itself; this file has its name or its suffix by mistake"


def explain(error: Exception, head: bytes, path: Path) -> Exception:
    """Return an error that says what a file is, instead of what libsndfile missed in it.

    Args:
        error: Error of the reading.
        head: First `HEAD` bytes of the file.
        path: Path of the file.
    """
    refused = isinstance(error, soundfile.LibsndfileError)
    if found := describe(head) or describe_text(head, marked=not refused):
        return DamagedAudioError(*found)
    if not isinstance(error, soundfile.LibsndfileError):
        return error
    if path.suffix.lower() == ".raw":
        return DamagedAudioError("has no header, as its suffix says", "convert it to wav, with its rate and encoding")
    told = error.error_string.removeprefix("Error : ").rstrip(".") or f"error {error.code}"
    known = next((text for part, text in REASONS.items() if part in told), None)
    return DamagedAudioError(known or f"cannot be read as audio; the library libsndfile says: {told}")


def describe(head: bytes) -> tuple[str, str] | None:
    """Return the format of a file and the next step; None for an unknown one, and for text.

    Args:
        head: First `HEAD` bytes of the file.

    Returns:
        Text that completes "The recording NAME …", and the next step.
    """
    for offset, magic, name in SOUND:
        if head[offset:].startswith(magic):
            return f"is in the format {name}, which is not read", CONVERT
    for offset, magic, name in FORMATS:
        if head[offset:].startswith(magic):
            return f"is {name}, not audio", REPLACE
    kind = head[8:12]
    if head[:4] in {b"RIFF", b"RIFX"} and len(kind) == 4 and kind != b"WAVE":
        name = RIFF_KINDS.get(kind, f"a RIFF file of the kind {kind!r}")
        return f"is {name}, not a wav", CONVERT if kind == b"AVI " else REPLACE
    return None


def describe_text(head: bytes, *, marked: bool = False) -> tuple[str, str] | None:
    """Return that a file is a text, and the next step; None for other content.

    Args:
        head: First `HEAD` bytes of the file.
        marked: Whether only a text with the mark of UTF-16 counts; headers of some audio formats are texts as well.
    """
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encodings = ["utf-16"]
    elif marked:
        return None
    else:
        encodings = ["utf-16-le", "utf-16-be"] if b"\0" in head else ["utf-8-sig"]
    for encoding in encodings:
        try:
            # The decoder waits for the rest of a last character that is cut off.
            found = codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
        if found and all(one.isprintable() or one.isspace() for one in found):
            name = "UTF-16" if encoding.startswith("utf-16") else "UTF-8"
            line = found.strip().partition("\n")[0].strip()[:SHOWN]
            return f"is a text in {name}, not audio; it begins with {line!r}", REPLACE
    return None
