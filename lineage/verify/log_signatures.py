"""Check of the signatures of the event log."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lineage import events, log_signature
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note


def check(audited: AuditedProject, *, keys: Sequence[Path]) -> Iterator[Finding]:
    """Yield entries without the signature that they need, and with keys those that none of them has signed.

    Args:
        audited: Project.
        keys: Public keys (PEM) of all who may sign; none to look for removed signatures only.

    Raises:
        BreathlineError: A key cannot be used.
    """
    found = log_signature.removed(audited.events)
    if keys:
        known = log_signature.read_keys(keys)
        found += log_signature.faults(audited.events, known)
        if not found:
            signed = [entry for entry in audited.events if "key" in entry]
            what = f"the {len(signed)} entries from number {signed[0]['number']} on are signed with the given keys"
            yield note("log-signature", str(events.LOG), what)
    for fault in found:
        yield Finding("log-signature", f"{events.LOG}: {fault.where}", fault.what)
