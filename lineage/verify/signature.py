"""Whether a signed statement over models and figures is genuine, and whether they still are as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lineage.exports import dsse, in_toto
from lineage.verify.audited_project import Tree
from lineage.verify.findings import Finding
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A signed statement, and by whom it has to be.

    Attributes:
        envelope: The DSSE envelope that `breathline audit export in-toto --key` wrote.
        key: The Ed25519 public key as PEM.
    """

    envelope: Path
    key: Path


def check(tree: Tree, *, signed: Signed) -> Iterator[Finding]:
    """Yield what speaks against a signed statement: its signature, or files that are not as it says.

    Raises:
        BreathlineError: The key cannot be used, or there is no such envelope.
    """
    where = str(signed.envelope)
    try:
        envelope = json.loads(signed.envelope.read_text(encoding="utf-8"))
        statement = dsse.verify(envelope, signed.key)
        differences = in_toto.differences(statement, tree.root)
    except OSError as error:
        raise BreathlineError("The signed statement cannot be read.", where=where) from error
    except (dsse.SignatureError, ValueError) as error:
        yield Finding(kind="signature-refused", where=where, what=str(error))
        return
    for path, what in differences.items():
        stages = (maker,) if (maker := tree.project.maker(path)) else ()
        yield Finding(kind="signed-changed", where=path, what=f"{what} ({where})", stages=stages)
    attested = {subject["name"] for subject in statement["subject"]}
    for path in sorted(in_toto.attestable(tree.project) - attested):
        stages = (maker,) if (maker := tree.project.maker(path)) else ()
        what = f"a model or figure that the statement does not name ({where})"
        yield Finding(kind="signed-changed", where=path, what=what, stages=stages)
    if not differences:
        what = f"the signature is that of {signed.key}, and {len(attested)} models and figures are as it attests"
        yield Finding(kind="signature-checked", where=where, what=what, severity="note")
