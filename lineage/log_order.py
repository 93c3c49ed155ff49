"""Order and times of the event log: entries that contradict each other although their chain is whole."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lineage.log_chain import Fault
from lineage.log_lines import Entry, hash_of, number_of

FUTURE = timedelta(days=1)  # tolerance for the clocks of other machines
STEP = timedelta(days=1)  # largest step back of a clock that is not an error
WAIT = timedelta(minutes=5)  # longest time from the moment that an entry names to its writing
PAUSE_S, PAUSE_SHARE = 60, 0.1  # difference between clock and measured duration that is told
OF_RUN = ("user", "host", "pid")  # facts that the end of a run, where it states them, shares with the start
OF_START = ("stage", "at", "host", "pid")  # facts that no two starts share: a process does one thing at a time
# Keys that an entry gets from its log; an adopted entry keeps those of its origin.
OF_LOG = ("number", "before", "hash", "key", "signature", "adopted")


def contradictions(entries: Sequence[Entry], *, complete: bool, now: datetime | None = None) -> list[Fault]:
    """Return entries that no run can have written in this order, or at these times, by number.

    Args:
        entries: Entries of the log, oldest first.
        complete: Whether no entries are missing; otherwise the start of a run may be among the missing ones.
        now: Current time; the clock of this machine by default.
    """
    found = [*_runs(entries, complete), *_records(entries), *_adoptions(entries), *_dates(entries, now)]
    return sorted(found, key=lambda fault: fault.number)


def clock_steps(entries: Sequence[Entry]) -> Iterator[Fault]:
    """Yield entries whose times show a clock that was set, or a machine that slept."""
    for start, end in _pairs(entries):
        at, began, measured = moment(end), moment(start), end.get("seconds")
        if at and began and isinstance(measured, int | float):
            passed = (at - began).total_seconds()
            if passed >= 0 and abs(passed - measured) > max(PAUSE_S, PAUSE_SHARE * measured):
                what = f"its run took {measured:.0f} s, and {passed:.0f} s by the clock"
                yield Fault(number_of(end), f"{what}: the clock was set, or the machine slept")
    before: Entry = {}
    for entry in own(entries):
        at, last = moment(entry), moment(before)
        if at and last and WAIT < last - at <= STEP:
            what = f"it is dated {entry['at']}, before entry {number_of(before)}, which precedes it"
            yield Fault(number_of(entry), f"{what}: the clock was set")
        before = entry if at else before


def moment(entry: Entry) -> datetime | None:
    """Return the time of an entry; None if it states none that can be read."""
    try:
        at = datetime.fromisoformat(str(entry["at"]))
    except (KeyError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def own(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield the entries of runs on this machine; those of other logs are older than their place."""
    return (entry for entry in entries if "adopted" not in entry)


def _runs(entries: Sequence[Entry], complete: bool) -> Iterator[Fault]:
    """Yield repeated starts, ends without a start, further ends of a run, and ends that contradict their start."""
    starts: dict[str, Entry] = {}
    moments: dict[tuple[object, ...], int] = {}
    ended: dict[str, int] = {}
    for entry in entries:
        if entry.get("event") == "start":
            starts[str(entry.get("hash"))] = entry
            began = tuple(entry.get(key) for key in OF_START)
            if (
                "pid" in entry
                and "adopted" not in entry
                and moments.setdefault(began, number_of(entry)) != number_of(entry)
            ):
                repeated = f"entry {moments[began]} is a start of the same process at the same moment: it was repeated"
                yield Fault(number_of(entry), repeated)
        if entry.get("event") != "end":
            continue
        named, what = str(entry.get("start")), None
        if named in ended:
            what = f"entry {ended[named]} has already ended this run: the end was repeated"
        elif named in starts:
            what = _end(entry, starts[named])
        elif complete:
            what = "it ends a run whose start is not before it"
        ended.setdefault(named, number_of(entry))
        if what:
            yield Fault(number_of(entry), what)


def _end(end: Entry, start: Entry) -> str | None:
    """Return the contradiction between end and start of a run."""
    begun = f"entry {number_of(start)}"
    if end.get("stage") != start.get("stage"):
        return f"it ends {end.get('stage')}, and its start in {begun} is of {start.get('stage')}"
    other = [key for key in OF_RUN if key in end and key in start and end[key] != start[key]]
    if other:
        return f"it ends the run of {begun} with another {', '.join(other)}"
    at, began = moment(end), moment(start)
    if at and began and at < began:
        return f"it is dated {end['at']}, before its start in {begun}: {start['at']}"
    return None


def _records(entries: Sequence[Entry]) -> Iterator[Fault]:
    """Yield entries that give the record of one stage to another."""
    stages: dict[str, str] = {}
    for entry in entries:
        digest, stage = entry.get("record"), str(entry.get("stage"))
        if isinstance(digest, str) and stages.setdefault(digest, stage) != stage:
            yield Fault(number_of(entry), f"it names a record of {stages[digest]} as one of {stage}")


def _adoptions(entries: Sequence[Entry]) -> Iterator[Fault]:
    """Yield entries of other logs that were adopted twice, or changed since."""
    adopted: dict[str, Entry] = {}
    by_hash = {str(entry.get("hash")): entry for entry in entries if "adopted" in entry}
    for entry in by_hash.values():
        origin = entry["adopted"]
        if not isinstance(origin, dict) or not isinstance(origin.get("hash"), str):
            yield Fault(number_of(entry), "its key `adopted` names no entry of another log: it was added by hand")
            continue
        if "log" not in origin:
            continue  # an entry of an earlier version, which kept less of its origin (`unproven`)
        first = adopted.setdefault(str(origin.get("hash")), entry)
        if first is not entry:
            yield Fault(
                number_of(entry), f"entry {number_of(first)} is the same entry of the other log: it was repeated"
            )
        elif hash_of(original(entry, by_hash)) != origin.get("hash"):
            yield Fault(number_of(entry), "it is not the entry of the other log that it names: it was changed")


def unproven(entries: Sequence[Entry]) -> list[Entry]:
    """Return the adopted entries that do not name their log, as those of an earlier version do not."""
    return [entry for entry in entries if isinstance(entry.get("adopted"), dict) and "log" not in entry["adopted"]]


def original(entry: Entry, by_hash: dict[str, Entry]) -> Entry:
    """Return the entry of another log from which an adopted entry was made.

    Args:
        entry: Adopted entry.
        by_hash: Entries of the log by hash, with the start of the run that the entry ends.
    """
    own = {key: value for key, value in entry.items() if key not in OF_LOG}
    if "start" in entry:
        start = by_hash.get(str(entry["start"]), {}).get("adopted")
        own["start"] = start.get("hash") if isinstance(start, dict) else None
    return own | {key: value for key, value in entry["adopted"].items() if key != "log"}


def _dates(entries: Sequence[Entry], now: datetime | None) -> Iterator[Fault]:
    """Yield entries whose time cannot be read, is in the future, or does not fit their place by days.

    Entries of other logs are older than their place, and never later than the next entry of this log. Where a clock was
    set, the first entry afterwards is found, and later ones are compared with it.
    """
    limit = (now or datetime.now(UTC)) + FUTURE
    before: Entry = {}
    adopted: list[Entry] = []
    ahead: Fault | None = None
    for entry in entries:
        number, at, last = number_of(entry), moment(entry), moment(before)
        if at and at > limit:
            what = f"it is dated {entry['at']}, in the future"
            ahead = replace(ahead, last=number) if ahead else Fault(number, what)
            continue
        if ahead:
            yield ahead
            ahead = None
        if at is None:
            if "at" in entry:
                yield Fault(number, f"its time `{entry['at']}` cannot be read")
        elif "adopted" in entry:
            adopted.append(entry)
        else:
            if last and last - at > STEP:
                what = f"it is dated {entry['at']}, days before entry {number_of(before)}, which precedes it"
                yield Fault(number, what)
            else:
                yield from _late(adopted, entry, at)
            before, adopted = entry, []
    if ahead:
        yield ahead


def _late(adopted: Sequence[Entry], following: Entry, at: datetime) -> Iterator[Fault]:
    """Yield adopted entries that are dated days after the next entry of this log."""
    for entry in adopted:
        if (own := moment(entry)) and own - at > STEP:
            what = f"it is dated {entry['at']}, days after entry {number_of(following)}, which follows it"
            yield Fault(number_of(entry), what)


def _pairs(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield start and end of each run that has both."""
    starts = {str(entry.get("hash")): entry for entry in entries if entry.get("event") == "start"}
    ends = (entry for entry in entries if entry.get("event") == "end")
    yield from ((starts[str(end.get("start"))], end) for end in ends if str(end.get("start")) in starts)
