"""Ed25519 keys in PEM, for signed statements and for signed entries of the event log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NEW_KEY = "`openssl genpkey -algorithm ed25519 -out key.pem`, and `openssl pkey -in key.pem -pubout -out key.pub`"


def private(path: Path) -> Ed25519PrivateKey:
    """Return a private key (PKCS 8, without a passphrase).

    Raises:
        BreathlineError: The key cannot be read, or is of another type.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise BreathlineError(f"The private key cannot be read: {error}", where=path, hint=NEW_KEY) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _other_type(key, path)
    return key


def public(path: Path) -> Ed25519PublicKey:
    """Return a public key.

    Raises:
        BreathlineError: The key cannot be read, or is of another type.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BreathlineError(f"The public key cannot be read: {error}", where=path, hint=NEW_KEY) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _other_type(key, path)
    return key


def _other_type(key: object, path: Path) -> BreathlineError:
    kind = type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey")
    return BreathlineError(f"The key is of the type {kind}, not Ed25519.", where=path, hint=NEW_KEY)
