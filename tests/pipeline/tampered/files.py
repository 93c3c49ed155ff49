"""Changes of files that a run made or read, each with the errors that verification finds."""

import shutil

import pyarrow.parquet as pq

from tests.pipeline import tampering as do

METRICS = "reports/metrics.json"

# fmt: off
CASES = {
    "one bit in a recording": (lambda p: do.flip(do.first(p)), "out-changed recording-contradicts", ".wav", "1 frames"),
    "a flag in an annotation": (lambda p: do.text(do.first(p, ".txt"), "0\t0", "1\t0"),
        "out-changed recording-contradicts", ".txt", "0 0 → "),
    "an annotation removed": (lambda p: do.first(p, ".txt").unlink(), "out-missing", ".txt", "is missing"),
    "a label in the table of cycles": (
        lambda p: do.value(p / do.CYCLES, "lungsound_4", 0, lambda label: (label + 1) % 4),
        "out-changed pool-contradicts", do.CYCLES, "lungsound_4 of 101_"),
    "a label, by another writer": (do.label_by_polars,
        "out-changed pool-contradicts", do.CYCLES, "{label}; "),
    "rows of soft labels exchanged": (
        lambda p: do.rows(p / do.SOFT_LABELS, lambda order: [order[1], order[0], *order[2:]]),
        "out-changed", do.SOFT_LABELS, "the rows are in another order, from row 0 on"),
    "two rows of features exchanged": (do.features, "out-changed", do.FEATURES, "row 2 ({cycle}), "),
    "a table written anew": (
        lambda p: pq.write_table(pq.read_table(p / do.SOFT_LABELS), p / do.SOFT_LABELS, compression="gzip"),
        "out-rewritten", do.SOFT_LABELS, "its content is the same"),
    "one weight of a student": (do.weight, "out-changed", "data/student/1/val.safetensors", "tensor "),
    "a soft label": (lambda p: do.value(p / do.SOFT_LABELS, "soft_labels", 3, lambda labels: [labels[0][::-1]]),
        "out-changed", do.SOFT_LABELS, "soft_labels[0]["),
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
}
# fmt: on
HONEST = {"nothing at all": lambda p: None}
