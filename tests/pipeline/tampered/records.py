"""Changes of the records of a run, each with the errors that verification finds."""

import shutil

from tests.pipeline import tampering as do

RECORDS = "data/lineage"

# fmt: off
CASES = {
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
    "a record, and DVC and Git made to believe it": (do.believed, "record-changed", "evaluate.json", "no entry"),
}
# fmt: on
