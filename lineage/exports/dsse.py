"""Signed envelopes of in-toto statements: DSSE (github.com/secure-systems-lab/dsse) with Ed25519 keys."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage import ed25519_keys
from tasks.runtime.errors import BreathlineError

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class SignatureError(BreathlineError):
    """An envelope without a valid signature by the given key."""


def sign(statement: Mapping[str, Any], key: Path) -> dict[str, Any]:
    """Return a statement in an envelope, signed with a private Ed25519 key (PEM, PKCS 8, without a passphrase).

    Raises:
        BreathlineError: The key cannot be used.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner(ed25519_keys.private(key))
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
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, VerificationError
    from securesystemslib.signer import SSlibKey

    public = ed25519_keys.public(key)
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
