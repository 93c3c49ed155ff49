"""Check of the event log against its anchors in tags."""

from collections.abc import Iterator

from lineage import anchors, events
from lineage.log_lines import number_of
from lineage.verify.audited_project import AuditedProject
from lineage.verify.event_log import CLONE
from lineage.verify.findings import Finding, note


def check(audited: AuditedProject, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield tags that name an entry which the log does not have, and tags made where the log is not this one.

    Without a log, another check reports that it is missing. With ``elsewhere``, the log of the tags may be on another
    machine.
    """
    entries = audited.events
    if not entries:
        return
    own, here = str(entries[0].get("hash")), anchors.place_of(audited.root)
    digests = {number_of(entry): entry.get("hash") for entry in entries}
    others: list[str] = []
    for anchor in anchors.read(audited.root):
        where = f"{events.LOG}: entry {anchor.number}"
        if anchor.log == own:
            if digests.get(anchor.number) != anchor.digest:
                what = f"the tag {anchor.tag} names entry {anchor.number} with another hash"
                yield Finding("log-anchor", where, f"{what}: the log was changed or cut since, and its chain made anew")
        elif anchor.place == here and not elsewhere:
            what = (
                f"the tag {anchor.tag} was made beside another log of this folder, of {anchor.number} entries or more"
            )
            yield Finding("log-anchor", where, f"{what}: that log was removed or written anew{CLONE}")
        else:
            others.append(anchor.tag)
    if others:
        what = f"the log of {len(others)} tags is in another folder or on another machine: {', '.join(others[:3])}"
        yield note("log-anchor", str(events.LOG), what)
