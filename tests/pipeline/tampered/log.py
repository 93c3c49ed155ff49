"""Changes of the event log, each with the errors that verification finds."""

import shutil

from tests import toy
from tests.pipeline import tampering as do

# fmt: off
CASES = {
    "an event changed": (lambda p: do.log(p, lambda rows: [rows[0].replace('"user":"', '"user":"not '), *rows[1:]]),
        "log-broken", "entry 1", "was changed"),
    "an event removed": (lambda p: do.log(p, lambda rows: [*rows[:4], *rows[5:]]), "log-broken", "entry 5", "missing"),
    "events in another order": (lambda p: do.log(p, lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]]),
        "log-broken", "entry 5", "moved"),
    "the log's end cut off": (lambda p: do.log(p, lambda rows: rows[:-2]),
        "log-broken record-changed", "entries ", "its end was cut off"),
    "the log's end cut off, and its head made to fit": (
        lambda p: do.rewrite_log(p, lambda entry: entry if entry["stage"] != "evaluate" else None),
        "record-changed", "evaluate.json", "no entry of the event log"),
    "the log removed": (lambda p: shutil.rmtree(p / ".lineage"), "log-missing", "events.jsonl", "no event log"),
    "an entry of the log written otherwise": (
        lambda p: do.text(p / ".lineage/events.jsonl", '"event":"start"', '"event": "start"'),
        "log-broken", "entry ", "was changed"),
    "the log written anew, its chain whole": (
        lambda p: do.rewrite_log(p, lambda entry: entry | ({"record": "0" * 64} if entry["number"] == 4 else {})),
        "record-changed", "extract@icbhi.json", "dvc.lock names it"),
    "the log removed, dvc.lock not committed": (
        lambda p: (shutil.rmtree(p / ".lineage"), toy.call(p, "git", "rm", "--quiet", "--cached", "dvc.lock")),
        "log-missing", "events.jsonl", "no event log"),
}
# fmt: on
