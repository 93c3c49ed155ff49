"""Signatures of entries of the event log: Ed25519, with a private key that is outside of the project.

The signature is over the hash of an entry, which covers all entries before. Its key id is part of the entry, so that a
signature cannot be removed without a trace. The head has a signature of its own, so that entries cannot be cut from
the end of the log by a new head.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage import ed25519_keys
from lineage.log_chain import Fault, joined
from lineage.log_head import HeadFault
from lineage.log_lines import Entry, number_of
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY = "BREATHLINE_LOG_KEY"  # environment variable with the path of the private key
CONTEXT = b"breathline event log\n"  # part of what is signed: the key may sign other things as well
HEAD_CONTEXT = b"breathline event log head\n"
Keys = Mapping[str, "Ed25519PublicKey"]  # public keys by id


def signer(root: Path) -> Signer | None:
    """Return the signer whose key the user has named; None without one.

    Raises:
        BreathlineError: The key cannot be used, is in the project, or is open to other users.
    """
    given = os.environ.get(KEY)
    return _signer(Path(given), root.resolve()) if given else None


class Signer:
    """Private key that signs entries."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.id = id_of(key.public_key())
        self.keys: Keys = {self.id: key.public_key()}
        self._key = key

    def sign(self, digest: str) -> str:
        """Return the signature of the hash of an entry, in Base64."""
        return base64.b64encode(self._key.sign(_signed(digest))).decode()

    def sign_head(self, number: int, digest: str) -> str:
        """Return the signature of a head that names an entry, in Base64."""
        return base64.b64encode(self._key.sign(_signed_head(number, digest))).decode()


def id_of(key: Ed25519PublicKey) -> str:
    """Return the id of a key: 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def read_keys(paths: Sequence[Path]) -> Keys:
    """Return public keys by their id.

    Raises:
        BreathlineError: A key cannot be used.
    """
    return {id_of(key): key for key in map(ed25519_keys.public, paths)}


def removed(entries: Sequence[Entry]) -> list[Fault]:
    """Return the entries whose signature, or the id of its key, is missing: no key is needed to see that."""
    marked = [entry for entry in entries if ("key" in entry) != ("signature" in entry)]
    return list(joined(Fault(number_of(entry), "its signature was removed or added later") for entry in marked))


def faults(entries: Sequence[Entry], keys: Keys) -> list[Fault]:
    """Return the entries that none of some keys has signed, from the first signed entry on.

    Entries before are covered by its signature, because each hash covers the hash before.
    """
    first = next((place for place, entry in enumerate(entries) if "key" in entry), None)
    if first is None:
        return [Fault(1, "no entry of the log is signed", number_of(entries[-1]))] if entries else []
    return list(joined(_of_entries(entries[first:], keys)))


def _of_entries(entries: Sequence[Entry], keys: Keys) -> Iterator[Fault]:
    for entry in entries:
        if "key" not in entry:
            yield Fault(number_of(entry), "it is not signed, unlike an entry before it")
        elif str(entry["key"]) not in keys:
            yield Fault(number_of(entry), f"it is signed with another key, {entry['key']}")
        elif not _is_valid(entry, keys):
            yield Fault(number_of(entry), "its signature is not valid: it was changed, or signed with another key")
        if "adopted" in entry and not _is_signed_origin(entry["adopted"], keys):
            what = "in the log that it was adopted from, it has no valid signature by a given key"
            yield Fault(number_of(entry), f"{what} (set {KEY} for workspaces and workers as well)")


def _is_signed_origin(origin: object, keys: Keys) -> bool:
    """Return whether the entry of another log was signed there; without the name of that log, its hash proves nothing.

    That the hash is the one of the entry is checked by `log_order.contradictions`.
    """
    return isinstance(origin, dict) and "log" in origin and _is_valid(origin, keys)


def head_fault(head: Mapping[str, Any], keys: Keys) -> HeadFault | None:
    """Return the fault of the head of a signed log that none of some keys has signed; None for a signed head."""
    text = _signed_head(number_of(head), str(head.get("hash")))
    return None if _is_valid(head, keys, text) else HeadFault("unsigned", number_of(head))


def _is_valid(signed: Mapping[str, Any], keys: Keys, text: bytes | None = None) -> bool:
    """Return whether a signature is that of a text, by the known key that its object names; by default, of the hash."""
    from cryptography.exceptions import InvalidSignature

    key = keys.get(str(signed.get("key")))
    if key is None:
        return False
    try:
        signature = base64.b64decode(str(signed.get("signature")), validate=True)
        key.verify(signature, _signed(str(signed.get("hash"))) if text is None else text)
    except (InvalidSignature, ValueError):
        return False
    return True


@cache
def _signer(path: Path, root: Path) -> Signer:
    if path.resolve().is_relative_to(root):
        what = "The key of the event log is in the project, so that whoever may write the log may sign it."
        raise BreathlineError(what, where=path, hint=f"move it to a folder of your own, and set {KEY}")
    try:
        mode = path.stat().st_mode
    except OSError as error:
        hint = f"{KEY} names it; make one with {ed25519_keys.NEW_KEY}"
        raise BreathlineError(
            f"The key of the event log cannot be read: {error.strerror}.", where=path, hint=hint
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        what = "Other users may read the key of the event log."
        raise BreathlineError(what, where=path, hint=f"`chmod 600 {path}`")
    return Signer(ed25519_keys.private(path))


def _signed(digest: str) -> bytes:
    return CONTEXT + digest.encode()


def _signed_head(number: int, digest: str) -> bytes:
    return HEAD_CONTEXT + f"{number} {digest}".encode(errors="replace")
