"""Changes of a run's files, records, logs, locks and code, each with the errors that verification finds."""

import shutil

import pyarrow.parquet as pq

from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do

METRICS, RECORDS = "reports/metrics.json", "data/lineage"

# fmt: off
# What is done; then the kinds of all errors, and for one of them a part of its place and of its text. In the text,
# `cycle` is the third row of features, and `prediction` the eighth prediction.
CASES = {
    "one bit in a recording": (lambda p: do.flip(do.first(p)), "out-changed recording-contradicts", ".wav", "1 frames"),
    "a flag in an annotation": (lambda p: do.text(do.first(p, ".txt"), "0\t0", "1\t0"),
        "out-changed recording-contradicts", ".txt", "0 0 → "),
    "an annotation removed": (lambda p: do.first(p, ".txt").unlink(), "out-missing", ".txt", "is missing"),
    "a label in the table of cycles": (
        lambda p: do.value(p / do.CYCLES, "lungsound_4", 0, lambda label: (label + 1) % 4),
        "out-changed pool-contradicts", do.CYCLES, "lungsound_4 of 101_"),
    "two rows of features exchanged": (do.features, "out-changed", do.FEATURES, "row 2 ({cycle}), "),
    "a table written anew": (
        lambda p: pq.write_table(pq.read_table(p / do.SOFT_LABELS), p / do.SOFT_LABELS, compression="gzip"),
        "out-rewritten", do.SOFT_LABELS, "its content is the same"),
    "one weight of a student": (do.weight, "out-changed", "data/student/1/val.safetensors", "tensor "),
    "a soft label": (lambda p: do.value(p / do.SOFT_LABELS, "soft_labels", 3, lambda labels: [labels[0][::-1]]),
        "out-changed", do.SOFT_LABELS, "soft_labels of "),
    "a metric": (
        lambda p: do.document(p / METRICS, lambda read: read["student"]["val"]["score_strict"].update(mean=61.5)),
        "out-changed metric-contradicts", METRICS, "student.val.score_strict.mean"),
    "a Score": (
        lambda p: do.document(p / "reports/scores.json", lambda scores: scores["val"]["student"].update(sp=99.0)),
        "out-changed metric-contradicts", "reports/scores.json", "→ 99.0"),
    "a prediction": (lambda p: do.value(p / do.PREDICTIONS, "predicted", 7, lambda label: (label + 1) % 4),
        "out-changed prediction-contradicts metric-contradicts", do.PREDICTIONS, "predicted of {prediction}: "),
    "an out missing": (lambda p: (p / do.SOFT_LABELS).unlink(), "out-missing", do.SOFT_LABELS, "is missing"),
    "a model missing": (lambda p: shutil.rmtree(p / "data/student/1"), "out-missing", "data/student/1", "is missing"),
    "a file added to an out": (lambda p: (p / "data/teachers/t1/paper.safetensors").write_bytes(b"other"),
        "out-added", "data/teachers/t1/paper.safetensors", "no stage made it"),
    "a teacher that no stage made": (lambda p: shutil.copytree(p / "data/teachers/t1", p / "data/teachers/t9"),
        "input-added", "data/teachers/t9/", "reads as a whole"),
    "a teacher swapped for another": (do.swap_teacher,
        "out-swapped model-swapped", "data/teachers/t1/", "train_teacher@t2 made"),
    "a patient moved to test in the official list": (do.move_patient,
        "out-changed metadata-contradicts split-contradicts", "ICBHI_challenge_train_test.txt", "train → 101"),
    "a patient's cycles moved to test": (do.move_cycles,
        "out-changed pool-contradicts split-contradicts prediction-contradicts soft-label-contradicts",
        do.CYCLES, "split of 101_"),
    "dvc.lock: an MD5": (
        lambda p: do.lock(p, "fbank@icbhi-ast", lambda stage: stage["outs"][0].update(md5="0" * 32 + ".dir")),
        "lock-changed", "dvc.lock", "of data/fbank/ast/icbhi in fbank@icbhi-ast is 000"),
    "dvc.lock: a parameter": (
        lambda p: do.lock(p, "evaluate", lambda stage: stage["params"]["params.yaml"]["evaluation"].update(seed=1)),
        "lock-changed", "dvc.lock", "`evaluation` of evaluate"),
    "dvc.lock cut off": (
        lambda p: (p / "dvc.lock").write_text((p / "dvc.lock").read_text()[:5000].rpartition("\n")[0] + "\n'"),
        "lock-unreadable", "dvc.lock", "cannot be read"),
    "dvc.lock removed": (lambda p: (p / "dvc.lock").unlink(), "lock-missing", "dvc.lock", "not there"),
    "dvc.lock brought in line": (lambda p: (do.weight(p), do.restore(p, "train_student@1")),
        "out-changed lock-committed", "data/student/1", "dvc.lock names a version"),
    "a record": (
        lambda p: do.document(p / RECORDS / "train_student@1.json", lambda read: read["seeds"].update(student=2)),
        "record-changed", "train_student@1.json", "dvc.lock does not name it either"),
    "a record that dvc.lock was made to name": (
        lambda p: (
            do.document(p / RECORDS / "extract@icbhi.json", lambda read: read["account"]["cycles"].update({"in": 1})),
            do.restore(p, "extract@icbhi"),
        ),
        "record-changed", "extract@icbhi.json", "dvc.lock names it"),
    "a record removed": (lambda p: (p / RECORDS / "soft_labels.json").unlink(),
        "record-missing", "soft_labels", "has run"),
    "all records removed": (lambda p: shutil.rmtree(p / RECORDS), "record-missing", "evaluate.json", "has run"),
    "a record cut off": (lambda p: (p / RECORDS / "evaluate.json").write_text("{"),
        "record-unreadable", "evaluate.json", "cannot be read"),
    "an event changed": (lambda p: do.log(p, lambda rows: [rows[0].replace('"user":"', '"user":"not '), *rows[1:]]),
        "log-broken", "entry 1", "was changed"),
    "an event removed": (lambda p: do.log(p, lambda rows: [*rows[:4], *rows[5:]]), "log-broken", "entry 6", "missing"),
    "events in another order": (lambda p: do.log(p, lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]]),
        "log-broken", "entry ", "moved"),
    "the log's end cut off": (lambda p: do.log(p, lambda rows: rows[:-2]),
        "log-broken record-changed", "entry ", "its end was cut off"),
    "the log's end cut off, and its head made to fit": (
        lambda p: do.rewrite_log(p, lambda entry: entry if entry["stage"] != "evaluate" else None),
        "record-changed", "evaluate.json", "no entry of the event log"),
    "the log removed": (lambda p: shutil.rmtree(p / ".lineage"), "log-missing", "events.jsonl", "no event log"),
    "an entry of the log written otherwise": (
        lambda p: do.text(p / ".lineage/events.jsonl", '"event":"start"', '"event": "start"'),
        "log-broken", "entry ", "was changed"),
    "dvc.lock without a record": (do.unlock_record, "lock-changed", "dvc.lock", "data/lineage/evaluate.json"),
    "a record, and DVC and Git made to believe it": (do.believed, "record-changed", "evaluate.json", "no entry"),
    "the log written anew, its chain whole": (
        lambda p: do.rewrite_log(p, lambda entry: entry | ({"record": "0" * 64} if entry["number"] == 4 else {})),
        "record-changed", "extract@icbhi.json", "dvc.lock names it"),
    "the log removed, dvc.lock not committed": (
        lambda p: (shutil.rmtree(p / ".lineage"), toy.call(p, "git", "rm", "--quiet", "--cached", "dvc.lock")),
        "log-missing", "events.jsonl", "no event log"),
    "an object of the cache": (do.damage_cache, "cache-changed", "", "data/teachers/t1/val.safetensors"),
    "params.yaml after the run": (lambda p: runs.edit(p, lambda read: read["student"]["optimizer"].update(lr=0.5)),
        "params-changed", "student.optimizer.lr", "→ 0.5"),
    "a command in dvc.yaml": (
        lambda p: do.text(p / "dvc.yaml", "python -m cli.stage soft_labels", "python -O -m cli.stage soft_labels"),
        "graph-changed", "soft_labels", "python -O"),
    "an uncommitted edit of a module": (
        lambda p: do.text(p / "tasks/distillation/soft_labels.py", "axis=0", "axis=-3"),
        "module-changed", "tasks/distillation/soft_labels.py", "an uncommitted edit"),
    "a committed edit of a module": (
        lambda p: (do.text(p / "tasks/distillation/soft_labels.py", "axis=0", "axis=-3"), runs.commit(p, "an edit")),
        "module-changed", "tasks/distillation/soft_labels.py", "it was changed"),
    "a module removed": (lambda p: (p / "tasks/subsets/splits.py").unlink(),
        "module-missing", "tasks/subsets/splits.py", "not there"),
    "a module added": (lambda p: (p / "models/networks/other.py").write_text('"""Another."""\n'),
        "module-added", "models/networks/other.py", "ran without it"),
    "requirements.lock": (lambda p: do.text(p / "requirements.lock", "numpy==", "numpy==9"),
        "environment-changed", "requirements.lock", "SHA-256"),
    "a history without the run's commits": (do.rewrite_history, "git-commit-missing", "commit ", "does not know"),
}
# Cases that train the student again, which the small project cannot.
RETRAINED = {
    "a run past DVC with other parameters, then put back": (do.rerun_otherwise,
        "params-changed record-changed input-mismatch lock-changed", "student.optimizer.lr", "0.1 → "),
    "a run again under the same name": (lambda p: do.rerun(p, unsteady=True),
        "run-repeated record-changed input-mismatch lock-changed", "train_student@1",
        "equal inputs gave different outs on the same hardware"),
}
# fmt: on
# Cases of every group, which are verified on a real run as well.
TYPICAL = {
    "a flag in an annotation",
    "two rows of features exchanged",
    "one weight of a student",
    "a prediction",
    "a teacher swapped for another",
    "a record that dvc.lock was made to name",
    "the log's end cut off",
    "a committed edit of a module",
}
