"""Check of the signatures of the event log."""

from collections.abc import Iterator

from lineage import events, log_signature
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield entries without the signature that they need, and with keys those that none of them has signed.

    Raises:
        BreathlineError: A key cannot be used.
    """
    found = log_signature.removed(audited.events)
    if audited.keys:
        found += log_signature.faults(audited.events, audited.keys)
        if not found and (signed := [entry for entry in audited.events if "key" in entry]):
            what = f"the {len(signed)} entries from number {signed[0]['number']} on are signed with the given keys"
            what += f"; the last one is number {signed[-1]['number']} of {signed[-1].get('at')}: compare it"
            yield note("log-signature", str(events.LOG), what)
    for fault in found:
        yield Finding("log-signature", f"{events.LOG}: {fault.where}", fault.what)
