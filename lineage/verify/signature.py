"""Check of a signed statement about models and figures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lineage.exports import attested, dsse, in_toto
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True, kw_only=True)
class SignedStatement:
    """A signed statement, and the key of its expected signer."""

    envelope: Path  # DSSE envelope that `breathline audit export in-toto --key` wrote
    key: Path  # Ed25519 public key in PEM


def check(audited: AuditedProject, *, signed: SignedStatement) -> Iterator[Finding]:
    """Yield an invalid signature, and models and figures that differ from the statement.

    Raises:
        BreathlineError: The key is not usable, or the envelope cannot be read.
    """
    where = str(signed.envelope)
    try:
        envelope = json.loads(signed.envelope.read_text(encoding="utf-8"))
        statement = dsse.verify(envelope, signed.key)
        differences = attested.differences(statement, audited.root)
    except OSError as error:
        raise BreathlineError("The signed statement cannot be read.", where=where) from error
    except (dsse.SignatureError, ValueError) as error:
        yield Finding("signature-refused", where, str(error))
        return
    named = {subject["name"] for subject in statement["subject"]}
    unnamed = sorted(in_toto.attestable(audited.project) - named)
    found = {**differences, **dict.fromkeys(unnamed, "a model or figure that the statement does not name")}
    for path, what in found.items():
        stages = (maker,) if (maker := audited.project.maker(path)) else ()
        yield Finding("signed-changed", path, f"{what} ({where})", stages)
    for path in attested.made_again(statement, audited.root):
        if path not in differences:
            what = "the page was made again: the texts of its provenance (times, commit, test use) are not signed"
            yield note("signature-checked", path, what)
    if not differences:
        what = f"the signature is that of {signed.key}, and {len(named)} models and figures are as attested"
        yield note("signature-checked", where, what)
