"""Changes by a person who knows how verification works, and who edits one more file to hide the first change."""

import hashlib
from pathlib import Path
from typing import Any

from lineage import cached_records, events, record
from lineage.dvc_storage import cache_of
from tasks.runtime.files import sha256
from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do
from tests.pipeline.tampered import exported, hidden, ledger, witnesses


def replace_earlier_lock(folder: Path) -> None:
    """Forge weights with all current evidence, and let Git show the forged dvc.lock in place of the earlier one."""
    earlier = toy.call(folder, "git", "rev-parse", "HEAD:dvc.lock").strip()
    witnesses.forge(folder, witnesses.run_cache, witnesses.records)
    toy.call(folder, "git", "replace", earlier, toy.call(folder, "git", "rev-parse", "HEAD:dvc.lock").strip())


def call_adopted(folder: Path, days: float, origin: Any) -> None:
    """Move the times of the evaluation by days, and call its entries adopted ones of another log."""
    ledger._dated(folder, days, lambda entry: entry["stage"] == "evaluate")
    do.rewrite_log(folder, lambda entry: entry | ({"adopted": origin} if entry["stage"] == "evaluate" else {}))


def log_of_workspace(folder: Path, *, future: bool = False) -> None:
    """Forge weights and record, and write a log of a workspace that names the record, made on another machine."""
    kept = (folder / events.LOG).read_bytes(), (folder / events.HEAD).read_bytes()
    do.forge(folder, witnesses.WEIGHTS, lambda project: do.weight(project, witnesses.WEIGHTS))
    (folder / events.LOG).write_bytes(kept[0])
    (folder / events.HEAD).write_bytes(kept[1])
    workspace = folder / ".leaderboard/mn_sam"
    workspace.mkdir(parents=True)
    at = "2099-01-01T00:00:00.000+00:00" if future else events.now()
    start = events.append(workspace, {"event": "start", "stage": witnesses.STAGE, "at": at, "cpu": "another"})
    end = {"event": "end", "stage": witnesses.STAGE, "start": start, "status": "done", "at": at, "seconds": 0.0}
    events.append(workspace, end | {"record": sha256(folder / record.path_of(witnesses.STAGE))})


def leave_out_and_forget(folder: Path, *missing: str, **optimizer: float) -> None:
    """Leave out a seed after its evaluation, and remove all earlier records from the cache, as `dvc gc` does.

    Args:
        folder: Project.
        missing: Keys of entries that an earlier version did not write.
        optimizer: Changed settings of the optimiser, with which the remaining seed is trained.
    """
    hidden.leave_out_a_seed(folder, **optimizer)
    for stage, paths in cached_records.by_stage(cache_of(folder)).items():
        now = [path.read_bytes() for path in [folder / record.path_of(stage)] if path.is_file()]
        for path in paths:
            if path.read_bytes() not in now:
                path.unlink()
    do.rewrite_log(folder, lambda entry: {key: value for key, value in entry.items() if key not in missing})


def fill_provenance(folder: Path) -> None:
    """Hide a signed report behind another figure in its provenance, with record, dvc.lock, cache and log."""
    exported.sign(folder)
    part = "<!-- provenance --><style>main{display:none}</style><h1>Score 99</h1><!-- /provenance -->"
    path = folder / exported.REPORT
    do.forge(folder, exported.REPORT, lambda _: path.write_text(part + path.read_text()))


def figures_and_lock_in_git(folder: Path, *, lock: str | None = None) -> None:
    """Commit other figures with a dvc.lock that names them, for a run of other inputs; the working tree keeps its own.

    Args:
        folder: Project.
        lock: Text of the committed dvc.lock; None for one that names the figures.
    """
    path = folder / hidden.METRICS
    kept = {name: (folder / name).read_bytes() for name in (hidden.METRICS, "dvc.lock")}
    do.document(path, lambda read: read["student"]["val"]["score_strict"].update(mean=71.5))

    def change(stage: dict[str, Any]) -> None:
        (out,) = (entry for entry in stage["outs"] if entry["path"] == hidden.METRICS)
        out.update(md5=hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(), size=path.stat().st_size)
        stage["deps"][0].update(md5="0" * 32)

    do.lock(folder, "evaluate", change)
    if lock is not None:
        (folder / "dvc.lock").write_text(lock)
    runs.commit(folder, "Figures")
    for name, content in kept.items():
        (folder / name).write_bytes(content)


def comment_in_requirements(folder: Path) -> None:
    """Forge weights with all current evidence, and let the commit of the run have another comment in its lock file."""
    path = folder / "requirements.lock"
    kept = path.read_bytes()
    path.write_bytes(kept + b"# a comment\n")
    toy.call(folder, "git", "commit", "--quiet", "--amend", "--all", "-m", "A run")
    path.write_bytes(kept)
    witnesses.forge(folder, witnesses.run_cache, witnesses.records)


def another_process(folder: Path) -> None:
    """Let the end of a run be that of another process, behind a whole chain."""
    do.rewrite_log(folder, lambda entry: entry | ({"pid": 7 + entry["number"]} if entry["number"] in (5, 6) else {}))


# fmt: off
CASES = {
    "weights with all evidence, and another dvc.lock in place of the earlier one": (replace_earlier_lock,
        "run-repeated", witnesses.STAGE, "the same run had other outs at commit "),
    "a run dated back, called an adopted one": (lambda p: call_adopted(p, -30, {}),
        "log-contradicts", "entry ", "names no entry of another log"),
    "a run of the future, called one of an earlier version": (lambda p: call_adopted(p, 40, {"hash": "0" * 64}),
        "log-contradicts", "entries ", "in the future"),
    "a run dated before its commit, called one of an earlier version": (
        lambda p: call_adopted(p, -30, {"hash": "0" * 64}),
        "log-contradicts", "entry ", "was made at"),
    "a forged record in the log of a workspace that contradicts itself": (
        lambda p: log_of_workspace(p, future=True),
        "record-changed run-repeated", "train_teacher@t1.json", "no entry of the event log"),
    "another figure in the provenance of a signed report": (fill_provenance,
        "signed-changed run-repeated", exported.REPORT, "attested is"),
    "figures in the last commit, with a dvc.lock that names them": (figures_and_lock_in_git,
        "git-figures-differ", hidden.METRICS, "no known run made"),
    "figures in the last commit, with a dvc.lock that cannot be read": (
        lambda p: figures_and_lock_in_git(p, lock="stages: ["),
        "lock-unreadable", "dvc.lock at HEAD", "cannot be read"),
    "weights with all evidence, and a comment in requirements.lock": (comment_in_requirements,
        "run-repeated", witnesses.STAGE, "the same run had other outs at commit "),
    "an end of another process": (another_process, "log-contradicts", "entry 6", "with another pid"),
    "a head with a number that no log has": (
        lambda p: (p / events.HEAD).write_text('{"number": Infinity, "hash": ""}\n'),
        "log-broken", "entry ", "head cannot be read"),
    "an entry whose number is a list": (
        lambda p: do.log(p, lambda rows: [*rows[:4], rows[4].replace('"number":5', '"number":[5]'), *rows[5:]]),
        "log-broken", "entry 5", "was changed"),
}
TWO_SEEDS = {
    "a seed left out after its evaluation, and its records removed": (leave_out_and_forget,
        "run-omitted", "train_student@2", "it was evaluated on this test set, in entry "),
    "a seed left out, its records removed, in a log of an earlier version": (
        lambda p: leave_out_and_forget(p, "trained"),
        "run-omitted", "train_student@2", "by dvc.lock at commit "),
    "a seed left out that an experiment trained": (
        lambda p: (hidden.leave_out_a_seed(p), do.rewrite_log(p, lambda entry: entry | (
            {"experiment": "bold-name"} if entry["stage"] == "train_student@2" else {}))),
        "run-omitted", "train_student@2", "it was evaluated on this test set, in entry "),
}
HONEST: dict[str, Any] = {
    "fewer seeds of another recipe, and a cache without earlier records": lambda p: leave_out_and_forget(p, lr=0.5),
    "fewer seeds of another recipe, in a log of an earlier version": lambda p: leave_out_and_forget(
        p, "trained", lr=0.5),
}
# fmt: on
