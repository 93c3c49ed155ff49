"""Key pairs, and the faults of a signed log."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lineage import events, log_signature


def pair(folder, key=None):
    """Return the files of a private and its public key."""
    folder.mkdir(parents=True, exist_ok=True)
    key = key or Ed25519PrivateKey.generate()
    private, public = folder / "key.pem", folder / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.chmod(0o600)
    return private, public


def found(root, *public):
    return [
        (fault.where, fault.what) for fault in log_signature.faults(events.read(root), log_signature.read_keys(public))
    ]
