"""Signs statements and checks signatures: DSSE envelopes (github.com/secure-systems-lab/dsse, protocol v1), Ed25519.

What is signed is ``DSSEv1 <length> <type> <length> <payload>``, so that neither payload nor type can be taken for the
other. The key's id is the SHA-256 of the public key (its DER form): a hint at which key to take, and no proof.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
NEW_KEY = "`openssl genpkey -algorithm ed25519 -out key.pem`, and `openssl pkey -in key.pem -pubout -out key.pub`"


class SignatureError(BreathlineError):
    """An envelope that no one with the key has signed as it stands."""


def sign(statement: Mapping[str, Any], key: Path) -> dict[str, Any]:
    """Return a statement in an envelope with one signature.

    Args:
        statement: What is signed.
        key: An Ed25519 private key as PEM (PKCS 8), without a passphrase.

    Raises:
        BreathlineError: The key cannot be used.
    """
    private = _private(key)
    payload = json.dumps(statement, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    signature = private.sign(_encoding(PAYLOAD_TYPE, payload))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": _key_id(private.public_key()), "sig": base64.b64encode(signature).decode()}],
    }


def opened(envelope: Mapping[str, Any], key: Path) -> dict[str, Any]:
    """Return the statement of an envelope, once a signature in it is known to be of the key.

    Args:
        envelope: What `sign` returned.
        key: The Ed25519 public key as PEM.

    Raises:
        SignatureError: It is no envelope of a statement, or no signature fits: it was changed, or another signed it.
        BreathlineError: The key cannot be used.
    """
    from cryptography.exceptions import InvalidSignature

    public = _public(key)
    try:
        kind, payload = str(envelope["payloadType"]), base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(one["sig"], validate=True) for one in envelope["signatures"]]
    except (KeyError, TypeError, binascii.Error) as error:
        raise SignatureError(f"This is no DSSE envelope: {error!r}.") from error
    if kind != PAYLOAD_TYPE:
        raise SignatureError(f"The envelope holds {kind}, not {PAYLOAD_TYPE}.")
    for signature in signatures:
        try:
            public.verify(signature, _encoding(kind, payload))
        except InvalidSignature:
            continue
        statement: dict[str, Any] = json.loads(payload)
        return statement
    raise SignatureError(
        f"No signature in the envelope is by this key ({_key_id(public)[:12]}…): it was changed, or another signed it."
    )


def _encoding(kind: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)


def _key_id(public: Ed25519PublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _private(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise BreathlineError(f"The private key cannot be read: {error}", where=path, hint=NEW_KEY) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BreathlineError(f"The key is a {type(key).__name__}, not Ed25519.", where=path, hint=NEW_KEY)
    return key


def _public(path: Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BreathlineError(f"The public key cannot be read: {error}", where=path, hint=NEW_KEY) from error
    if not isinstance(key, Ed25519PublicKey):
        raise BreathlineError(f"The key is a {type(key).__name__}, not Ed25519.", where=path, hint=NEW_KEY)
    return key
