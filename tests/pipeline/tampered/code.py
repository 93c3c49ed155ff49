"""Changes of parameters, graph, code, environment and Git history, each with the errors that verification finds."""

from tests.pipeline import runs
from tests.pipeline import tampering as do

# fmt: off
CASES = {
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
        "the same run had other outs in entry "),
}
# fmt: on
