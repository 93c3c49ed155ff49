"""Rules by which slsa-verifier (2.x, provenance v1) accepts a file, as far as they concern no GitHub workflow.

Written after its documentation and without code of the project: envelope and signature (DSSE), types, builder, source,
commit and digest.
"""

import base64
import hashlib
import json
import re

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from rfc3986_validator import validate_rfc3986


class RefusedError(Exception):
    """A file that the rules do not accept."""


def require(condition, reason):
    if not condition:
        raise RefusedError(reason)


def verify(envelope, key, artifact, *, source, commit, builder, branch=None, tag=None):
    """Check an envelope against what its reader expects, and raise `RefusedError` with the reason.

    Args:
        envelope: Path of the DSSE envelope.
        key: Path of the public key of the signer.
        artifact: Path of the file.
        source: Expected repository, such as ``git+https://github.com/owner/project``.
        commit: Expected commit.
        builder: Expected `builder.id`, whole.
        branch: Expected branch.
        tag: Expected tag.
    """
    statement = opened(json.loads(envelope.read_text()), key.read_bytes())
    require(statement["_type"] == "https://in-toto.io/Statement/v1", "type of the statement")
    require(statement["predicateType"] == "https://slsa.dev/provenance/v1", "type of the predicate")
    build, run = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    for uri in (build["buildType"], run["builder"]["id"]):
        require(validate_rfc3986(uri), f"{uri} is no URI")
    require(run["builder"]["id"] == builder, f"builder is {run['builder']['id']}")
    require(build["resolvedDependencies"], "no resolved dependencies")
    origin = build["resolvedDependencies"][0]
    require(origin.get("uri", "").startswith("git+https://"), "malformed URI of the source")
    repository, _, ref = origin["uri"].partition("@")
    require(repository == source, f"source is {repository}")
    require(ref, "the source has no ref")
    require(origin["digest"].get("gitCommit") == commit, "another commit")
    require(branch is None or ref == f"refs/heads/{branch}", f"branch is {ref}")
    require(tag is None or ref == f"refs/tags/{tag}", f"tag is {ref}")
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()
    digests = [subject["digest"] for subject in statement["subject"]]
    require(all(re.fullmatch("[0-9a-f]{64}", one["sha256"]) for one in digests), "malformed digest")
    require(any(one["sha256"] == digest for one in digests), "expected hash not found")


def opened(envelope, key):
    """Return the statement of an envelope: the signature covers type and payload (pre-authentication encoding)."""
    kind, payload = envelope["payloadType"], base64.b64decode(envelope["payload"], validate=True)
    require(kind == "application/vnd.in-toto+json", f"type of the payload is {kind}")
    signed = b" ".join([b"DSSEv1", *(b"%d %b" % (len(part), part) for part in (kind.encode(), payload))])
    require(envelope["signatures"], "no signature")
    for signature in envelope["signatures"]:
        try:
            load_pem_public_key(key).verify(base64.b64decode(signature["sig"], validate=True), signed)
        except Exception as error:
            raise RefusedError("signature") from error
    return json.loads(payload)
