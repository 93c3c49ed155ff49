"""Chain of the event log: entries that were changed, removed, moved or repeated, from the entries alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from lineage.log_head import START
from lineage.log_lines import Entry, is_intact

CHANGED = "the entry does not have its hash: it was changed"
REPLACED = "it does not follow the one before: that one was replaced, or removed entries were hidden by new numbers"
REMOVED = "missing: removed from the log"


@dataclass(frozen=True)
class Fault:
    """Fault of the log, or a fact about it."""

    number: int  # number of the entry, from 1; one past the last entry where the end of the log is missing
    what: str  # description of the fault
    last: int | None = None  # number of the last entry, if the fault concerns several

    @property
    def where(self) -> str:
        """The entries in words, such as ``entry 5`` or ``entries 5 to 7``."""
        return f"entry {self.number}" if self.last in (None, self.number) else f"entries {self.number} to {self.last}"


def faults(rows: Iterable[tuple[int, str, Entry]]) -> list[Fault]:
    """Return the faults of a chain, by number; a gap, or neighbours with the same fault, are one fault.

    Args:
        rows: Line number, line and entry of each complete line (`log_lines.entries`).
    """
    found: list[Fault] = []
    seen: set[int] = set()
    highest, last, before, trusted = 0, 0, START, True
    for line_number, line, entry in rows:
        number = entry.get("number")
        if not is_intact(line, entry) or type(number) is not int or number < 1:
            number = last + 1  # its own may be changed as well
            found.append(Fault(number, CHANGED))
            trusted = False  # so may its hash, which the next entry repeats
        else:
            if number in seen:
                found.append(Fault(number, f"it was repeated: line {line_number} has its number again"))
            elif number < highest:
                found.append(Fault(number, f"it was moved: it is behind entry {highest}"))
            elif number == last + 1 and entry.get("before") != before and trusted:
                found.append(Fault(number, REPLACED))
            trusted = True
        seen.add(number)
        highest, last, before = max(highest, number), number, str(entry.get("hash"))
    gaps = (Fault(one + 1, REMOVED, two - 1) for one, two in pairwise(sorted({0, *seen})) if two > one + 1)
    return list(joined(sorted([*found, *gaps], key=lambda fault: fault.number)))


def joined(found: Iterable[Fault]) -> Iterator[Fault]:
    """Yield one fault in place of equal faults of neighbouring entries."""
    held: Fault | None = None
    for fault in found:
        if held and fault.what == held.what and fault.number == (held.last or held.number) + 1:
            held = replace(held, last=fault.last or fault.number)
            continue
        if held:
            yield held
        held = fault
    if held:
        yield held
