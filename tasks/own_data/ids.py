"""Ids of patients and recordings: safe in paths, and unlike those of other corpora."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

MAX = 60  # characters of a name within an id
DIGITS = 8  # of a hash in hexadecimal, behind names that do not fit


def patients(corpus: str, names: Collection[str]) -> dict[str, str]:
    """Return the id of each patient: ``<corpus>-<name>``, in which the name has letters, digits and `-` only."""
    return {name: f"{corpus}-{part}" for name, part in _parts(names, "-").items()}


def recordings(corpus: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return the id of each recording: ``<patient's id>_<name>``, so that a patient's recordings can be found.

    Args:
        corpus: Name of the corpus.
        files: Id of the patient by path of the audio file within its folder.
    """
    stems = {file: str(PurePosixPath(file).with_suffix("")) for file in files}
    parts = _parts(set(stems.values()), "_")
    found = {}
    for file, patient in files.items():
        name, part = patient.removeprefix(f"{corpus}-"), parts[stems[file]]
        repeats = part.replace("_", "-").startswith(f"{name}-")  # P01_rec1 of the patient P01
        found[file] = f"{patient}_{part[len(name) + 1 :] if repeats else part}"
    taken = Counter(one.casefold() for one in found.values())
    return {file: f"{one}-{_hash(file)}" if taken[one.casefold()] > 1 else one for file, one in found.items()}


def _parts(names: Collection[str], underscore: str) -> dict[str, str]:
    """Return a safe text for each name; a hash is added where letters were lost or two names become one text.

    Args:
        names: Names in any script.
        underscore: Text in place of an underscore.
    """
    safe = {name: _safe(name, underscore) for name in names}
    taken = Counter(text.casefold() for text, _ in safe.values())
    return {
        name: f"{text[:MAX]}-{_hash(name)}".lstrip("-") if lossy or taken[text.casefold()] > 1 else text
        for name, (text, lossy) in safe.items()
    }


def _safe(name: str, underscore: str) -> tuple[str, bool]:
    """Return a name in ASCII letters, digits, `-` and `_`, and whether it lost letters."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    text = re.sub(r"[^A-Za-z0-9_]+", "-", plain).replace("_", underscore).strip("-_")
    return text, not text or len(text) > MAX or any(one.isalnum() and not one.isascii() for one in plain)


def _hash(name: str) -> str:
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode()).hexdigest()[:DIGITS]
