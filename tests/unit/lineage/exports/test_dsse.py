import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lineage.exports import dsse
from lineage.exports.dsse import SignatureError
from tasks.runtime.errors import BreathlineError

STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "Jácome", "digest": {"sha256": "0" * 64}}],
}


@pytest.fixture
def keys(tmp_path):
    return pair(tmp_path, Ed25519PrivateKey.generate())


def pair(folder, key):
    folder.mkdir(exist_ok=True)
    private, public = folder / "key.pem", folder / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_the_public_key_verifies_a_signed_statement(keys):
    private, public = keys
    envelope = dsse.sign(STATEMENT, private)
    assert dsse.verify(json.loads(json.dumps(envelope)), public) == STATEMENT
    signatures = [{"sig": one["sig"]} for one in envelope["signatures"]]  # key ids are optional
    assert dsse.verify(envelope | {"signatures": signatures}, public) == STATEMENT


def test_the_signature_covers_type_and_payload_as_the_protocol_requires(tmp_path):
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    envelope = dsse.sign(STATEMENT, pair(tmp_path, key)[0])
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    key.public_key().verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)


def test_a_changed_statement_a_changed_type_and_another_key_are_refused(keys, tmp_path):
    private, public = keys
    envelope = dsse.sign(STATEMENT, private)
    payload = base64.b64decode(envelope["payload"]).replace(b"0000", b"0001", 1)
    with pytest.raises(SignatureError, match="holds text/plain"):
        dsse.verify(envelope | {"payloadType": "text/plain"}, public)
    _, other = pair(tmp_path / "other", Ed25519PrivateKey.generate())
    changed = {"payload": base64.b64encode(payload).decode()}
    for given, key in ((envelope | changed, public), (envelope, other), (envelope | {"signatures": []}, public)):
        with pytest.raises(SignatureError, match="changed, or another key signed"):
            dsse.verify(given, key)


@pytest.mark.parametrize("envelope", [{}, {"payloadType": "x", "payload": "a", "signatures": []}])
def test_a_malformed_envelope_is_refused(keys, envelope):
    with pytest.raises(SignatureError, match="no DSSE envelope"):
        dsse.verify(envelope, keys[1])


def test_unusable_keys_are_named(keys, tmp_path):
    private, public = keys
    with pytest.raises(BreathlineError, match="cannot be read"):
        dsse.sign(STATEMENT, public)
    with pytest.raises(BreathlineError, match="cannot be read"):
        dsse.verify(dsse.sign(STATEMENT, private), tmp_path / "none.pub")
    with pytest.raises(BreathlineError, match="not Ed25519"):
        dsse.sign(STATEMENT, pair(tmp_path / "curve", generate_private_key(SECP256R1()))[0])
