"""Changes to records, logs, locks and code of a finished run, and the findings that each must give."""

from __future__ import annotations

import shutil

from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do

RECORDS = "data/lineage"

# What was done, the names of what is found (the first is looked at), where, and words of what is told.
WITNESSES = {
    "dvc.lock: an MD5": (
        lambda p: runs.edit(
            p, lambda lock: lock["stages"]["fbank@ast"]["outs"][0].update(md5="0" * 32 + ".dir"), "dvc.lock"
        ),
        {"lock-changed"},
        "dvc.lock",
        "of data/fbank/ast in fbank@ast is 000",
    ),
    "dvc.lock: a parameter": (
        lambda p: runs.edit(
            p,
            lambda lock: lock["stages"]["evaluate"]["params"]["params.yaml"]["evaluation"].update(seed=1),
            "dvc.lock",
        ),
        {"lock-changed"},
        "dvc.lock",
        "`evaluation` of evaluate",
    ),
    "dvc.lock cut off": (
        lambda p: (p / "dvc.lock").write_text((p / "dvc.lock").read_text()[:5000].rpartition("\n")[0] + "\n'"),
        {"lock-unreadable"},
        "dvc.lock",
        "cannot be read",
    ),
    "dvc.lock removed": (lambda p: (p / "dvc.lock").unlink(), {"lock-missing"}, "dvc.lock", "not there"),
    "dvc.lock brought in line": (
        lambda p: (do.weight(p), do.restore(p, "train_student@1")),
        {"out-changed", "lock-committed"},
        "data/student/1",
        "dvc.lock names a version",
    ),
    "a record": (
        lambda p: do.document(
            p / RECORDS / "train_student@1.json", lambda record: record["seeds"].update({"student.seed": 2})
        ),
        {"record-changed"},
        "train_student@1.json",
        "dvc.lock does not name it either",
    ),
    "a record that dvc.lock was made to name": (
        lambda p: (
            do.document(p / RECORDS / "extract.json", lambda record: record["account"]["cycles"].update({"in": 1})),
            do.restore(p, "extract"),
        ),
        {"record-changed"},
        "extract.json",
        "dvc.lock names it",
    ),
    "a record removed": (
        lambda p: (p / RECORDS / "soft_labels.json").unlink(),
        {"record-missing"},
        "soft_labels",
        "has run",
    ),
    "all records removed": (lambda p: shutil.rmtree(p / RECORDS), {"record-missing"}, "evaluate.json", "has run"),
    "a record cut off": (
        lambda p: (p / RECORDS / "evaluate.json").write_text("{"),
        {"record-unreadable"},
        "evaluate.json",
        "cannot be read",
    ),
    "an event changed": (
        lambda p: do.log(p, lambda rows: [rows[0].replace('"user":"', '"user":"not '), *rows[1:]]),
        {"log-broken"},
        "entry 1",
        "was changed",
    ),
    "an event removed": (
        lambda p: do.log(p, lambda rows: [*rows[:4], *rows[5:]]),
        {"log-broken"},
        "entry 6",
        "missing",
    ),
    "events in another order": (
        lambda p: do.log(p, lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]]),
        {"log-broken"},
        "entry ",
        "moved",
    ),
    "the log's end cut off": (
        lambda p: do.log(p, lambda rows: rows[:-2]),
        {"log-broken", "record-changed"},
        "entry ",
        "its end was cut off",
    ),
    "the log's end cut off, and its head made to fit": (
        lambda p: do.rewrite_log(p, lambda entry: entry if entry["stage"] != "evaluate" else None),
        {"record-changed"},
        "evaluate.json",
        "no entry of the event log",
    ),
    "the log removed": (lambda p: shutil.rmtree(p / ".lineage"), {"log-missing"}, "events.jsonl", "no event log"),
    "an entry of the log written otherwise": (
        lambda p: do.text(p / ".lineage/events.jsonl", '"event":"start"', '"event": "start"'),
        {"log-broken"},
        "entry ",
        "was changed",
    ),
    "dvc.lock without a record": (do.unlock_record, {"lock-changed"}, "dvc.lock", "data/lineage/evaluate.json"),
    "a record, and DVC and Git made to believe it": (do.believed, {"record-changed"}, "evaluate.json", "no entry"),
    "the log written anew, its chain whole": (
        lambda p: do.rewrite_log(p, lambda entry: entry | ({"record": "0" * 64} if entry["number"] == 4 else {})),
        {"record-changed"},
        "extract.json",
        "dvc.lock names it",
    ),
    "the log removed, dvc.lock not committed": (
        lambda p: (shutil.rmtree(p / ".lineage"), toy.call(p, "git", "rm", "--quiet", "--cached", "dvc.lock")),
        {"log-missing"},
        "events.jsonl",
        "no event log",
    ),
    "an object of the cache": (do.damage_cache, {"cache-changed"}, "", "data/teachers/t1/val.safetensors"),
    "params.yaml after the run": (
        lambda p: runs.edit(p, lambda read: read["student"]["optimizer"].update(lr=0.5)),
        {"params-changed"},
        "student.optimizer.lr",
        "→ 0.5",
    ),
    "a command in dvc.yaml": (
        lambda p: do.text(p / "dvc.yaml", "python -m cli.stage soft_labels", "python -O -m cli.stage soft_labels"),
        {"graph-changed"},
        "soft_labels",
        "python -O",
    ),
    "an uncommitted edit of a module": (
        lambda p: do.text(p / "tasks/distillation/soft_targets.py", "axis=0", "axis=-3"),
        {"module-changed"},
        "tasks/distillation/soft_targets.py",
        "an uncommitted edit",
    ),
    "a committed edit of a module": (
        lambda p: (do.text(p / "tasks/distillation/soft_targets.py", "axis=0", "axis=-3"), runs.commit(p, "an edit")),
        {"module-changed"},
        "tasks/distillation/soft_targets.py",
        "it was changed",
    ),
    "a module removed": (
        lambda p: (p / "tasks/subsets/splits.py").unlink(),
        {"module-missing"},
        "tasks/subsets/splits.py",
        "not there",
    ),
    "a module added": (
        lambda p: (p / "models/networks/other.py").write_text('"""Another."""\n'),
        {"module-added"},
        "models/networks/other.py",
        "ran without it",
    ),
    "requirements.lock": (
        lambda p: do.text(p / "requirements.lock", "numpy==", "numpy==9"),
        {"environment-changed"},
        "requirements.lock",
        "SHA-256",
    ),
    "a history without the run's commits": (do.rewrite_history, {"git-commit-missing"}, "commit ", "does not know"),
    "a run past DVC with other parameters, then put back": (
        do.rerun_otherwise,
        {"params-changed", "record-changed", "input-mismatch", "lock-changed"},
        "student.optimizer.lr",
        "0.1 → ",
    ),
    "a run again under the same name": (
        lambda p: do.rerun(p, unsteady=True),
        {"run-repeated", "record-changed", "input-mismatch", "lock-changed"},
        "train_student@1",
        "equal inputs gave different outs on the same hardware",
    ),
}
