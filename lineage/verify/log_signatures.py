"""Check of the signatures of the event log and of its head."""

from collections.abc import Iterator

from lineage import events, log_head, log_signature
from lineage.log_chain import Fault
from lineage.log_lines import number_of
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield entries without the signature that they need, and with keys those that none of them has signed.

    Raises:
        BreathlineError: A key cannot be used.
    """
    found = log_signature.removed(audited.events)
    if audited.keys:
        found += [*log_signature.faults(audited.events, audited.keys), *_of_head(audited)]
        if not found and (signed := [entry for entry in audited.events if "key" in entry]):
            what = f"the {len(signed)} entries from number {signed[0]['number']} on are signed with the given keys"
            what += f"; the last one is number {signed[-1]['number']} of {signed[-1].get('at')}: compare it"
            yield note("log-signature", str(events.LOG), what)
    for fault in found:
        yield Finding("log-signature", f"{events.LOG}: {fault.where}", fault.what)


def _of_head(audited: AuditedProject) -> Iterator[Fault]:
    """Yield the fault of a head that is not signed, although entries are."""
    if any("key" in entry for entry in audited.events):
        head = log_head.parsed(log_head.read(audited.root / events.HEAD) or "")
        if fault := log_signature.head_fault(head, audited.keys):
            number = number_of(audited.events[-1])
            yield Fault(number + 1, fault.describe(number))
