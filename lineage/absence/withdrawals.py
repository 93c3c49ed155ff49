"""Hashes of withdrawn patients, by which data that come back are recognised.

They are in `.lineage/withdrawals/`, in neither DVC nor Git. A file holds hashes, but no id and no name of a recording.
No sound can be made from it. Who has the recordings, as those of a public corpus, can find the patient by the hashes.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.absence.fingerprint import Fingerprint
from tasks.artifacts import CorpusFolders
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json, write_text

FOLDER = Path(".lineage/withdrawals")
KEY = "key"  # file of the random key; without it the entries of the log can be assigned to no patient
EVENT = "withdrawn"


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawal that was begun."""

    known: Fingerprint  # hashes of the patient's data
    from_patient: frozenset[str]  # MD5 of objects that hold such data or descend from them


def id_of(root: Path, corpus: str, patient: str) -> str:
    """Return the pseudonym of a patient in the event log: a hash with a random key, HMAC-SHA-256.

    Without the key, which is made with the first withdrawal, nobody can find the number by trying all numbers.
    """
    path = root / FOLDER / KEY
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, secrets.token_hex(32))
    return hmac.new(path.read_bytes(), f"{corpus}:{patient}".encode(), hashlib.sha256).hexdigest()


def save(root: Path, patient: str, withdrawal: Withdrawal) -> None:
    """Write the hashes of a patient."""
    known = withdrawal.known
    name = id_of(root, known.corpus.name, patient)
    content = {
        "patient": name,
        "corpus": {"role": known.corpus.role, "name": known.corpus.name},
        "files": sorted(known.files),
        "rows": sorted(known.rows),
        "learned": dict(sorted(known.learned.items())),
        "from_patient": sorted(withdrawal.from_patient),
    }
    path = root / FOLDER / f"{name[:16]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, content)


def find(root: Path, patient: str, corpus: str | None = None) -> Withdrawal | None:
    """Return the withdrawal of a patient, or None; without a corpus, that of the first corpus with the number."""
    return next((one for one in _all(root, patient) if corpus in (None, one.known.corpus.name)), None)


def _all(root: Path, patient: str) -> Iterator[Withdrawal]:
    """Yield the kept withdrawals of the patients with a number.

    Raises:
        BreathlineError: A file is damaged.
    """
    for path in sorted((root / FOLDER).glob("*.json")):
        read = read_json(path)
        try:
            corpus = CorpusFolders(**read["corpus"])
            if read["patient"] == id_of(root, corpus.name, patient):
                yield _withdrawal(corpus, read)
        except (KeyError, TypeError, AttributeError) as error:
            what = "The kept hashes of a withdrawal are damaged."
            hint = "remove the file; without it, hashes are taken from the current run or from DVC's cache"
            raise BreathlineError(what, where=path, hint=hint) from error


def _withdrawal(corpus: CorpusFolders, read: Mapping[str, Any]) -> Withdrawal:
    known = Fingerprint(
        taken_of="the withdrawal",
        corpus=corpus,
        files=_labels(read["files"], "a recording or annotation of the patient"),
        rows=_labels(read["rows"], "a cycle of the patient"),
        learned=dict(read["learned"].items()),
        unread=(),
    )
    return Withdrawal(known, frozenset(read["from_patient"]))


def _labels(hashes: Collection[str], label: str) -> dict[str, str]:
    return dict.fromkeys(hashes, label)
