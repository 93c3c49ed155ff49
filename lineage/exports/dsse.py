"""Signed envelopes of in-toto statements: DSSE (github.com/secure-systems-lab/dsse) with Ed25519 keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
NEW_KEY = "`openssl genpkey -algorithm ed25519 -out key.pem`, and `openssl pkey -in key.pem -pubout -out key.pub`"


class SignatureError(BreathlineError):
    """An envelope without a valid signature by the given key."""


def sign(statement: Mapping[str, Any], key: Path) -> dict[str, Any]:
    """Return a statement in an envelope, signed with a private Ed25519 key (PEM, PKCS 8, without a passphrase).

    Raises:
        BreathlineError: The key cannot be used.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    try:
        signer = CryptoSigner(load_pem_private_key(key.read_bytes(), password=None))
    except (OSError, ValueError, TypeError) as error:
        raise BreathlineError(f"The private key cannot be read: {error}", where=key, hint=NEW_KEY) from error
    _require_ed25519(signer.public_key, key)
    payload = json.dumps(statement, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return dict(envelope.to_dict())


def verify(envelope: Mapping[str, Any], key: Path) -> dict[str, Any]:
    """Return the statement of an envelope that the owner of a public Ed25519 key (PEM) has signed.

    Raises:
        SignatureError: The envelope is malformed, or none of its signatures is by this key.
        BreathlineError: The key cannot be used.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, VerificationError
    from securesystemslib.signer import SSlibKey

    try:
        public = load_pem_public_key(key.read_bytes())
        _require_ed25519(SSlibKey.from_crypto(public), key)
    except (OSError, ValueError) as error:
        raise BreathlineError(f"The public key cannot be read: {error}", where=key, hint=NEW_KEY) from error
    try:
        # The key ids of signatures are optional hints: every signature is checked with the given key.
        signatures = [{"keyid": str(number), "sig": one["sig"]} for number, one in enumerate(envelope["signatures"])]
        opened = Envelope.from_dict({**envelope, "signatures": signatures})
    except (KeyError, TypeError, AttributeError, ValueError, FormatError) as error:
        raise SignatureError(f"This is no DSSE envelope: {error!r}.") from error
    if opened.payload_type != PAYLOAD_TYPE:
        raise SignatureError(f"The envelope holds {opened.payload_type}, not {PAYLOAD_TYPE}.")
    try:
        opened.verify([SSlibKey.from_crypto(public, keyid=name) for name in opened.signatures], threshold=1)
    except (ValueError, VerificationError) as error:
        raise SignatureError(
            f"No signature in the envelope is by the key {key}: the statement was changed, or another key signed it."
        ) from error
    statement: dict[str, Any] = json.loads(opened.payload)
    return statement


def _require_ed25519(key: SSlibKey, path: Path) -> None:
    if key.keytype != "ed25519":
        raise BreathlineError(f"The key is of the type {key.keytype}, not Ed25519.", where=path, hint=NEW_KEY)
