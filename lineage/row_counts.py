"""Counts of the recordings and cycles that a stage read and wrote, and the dropped ones by reason.

The counts come from the artifacts and from the stage's decisions.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from models import file_names
from models.file_reading import open_table
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.artifact_reading import as_artifact_error, read_json, read_table

Account = dict[str, Any]


class _Run(NamedTuple):
    root: Path
    corpus: CorpusFolders | None
    frontend: str | None
    params: Mapping[str, Any]
    decisions: Mapping[str, Any]

    @property
    def folders(self) -> CorpusFolders:
        """The folders of the corpus of a stage of one corpus."""
        assert self.corpus is not None  # noqa: S101 - only stages of one corpus ask
        return self.corpus

    def json(self, path: Path) -> Any:
        return read_json(self.root / path)


def count(root: Path, stage: str, params: Mapping[str, Any], decisions: Mapping[str, Any]) -> Account:
    """Return the counts of a stage that has ended successfully.

    Returns:
        ``recordings`` and ``cycles`` with ``in`` and ``out`` (where the stage has them), ``subsets`` with the number of
        cycles of each where the stage trains or tests, and ``dropped``: the sorted ids by reason. Empty for `weights`.
    """
    work, corpus, frontend = artifacts.corpus_of(stage) or (stage.partition("@")[0], None, None)
    return _BY_WORK[work](_Run(root, corpus, frontend, params, decisions)) if work in _BY_WORK else {}


def _download(run: _Run) -> Account:
    source = run.json(run.folders.raw / artifacts.SOURCE)
    recordings, missing = source["recordings"], source["missing"]
    # The names of excluded recordings must not be recorded, so the patients are named.
    excluded = {f"patient:{patient}": left for patient, left in source["excluded"].items()}
    dropped = {
        "named by the split, not in the source": missing,
        "of a patient whom exclude_patients leaves out": list(excluded),
    }
    return {
        "recordings": {"in": recordings + len(missing) + sum(excluded.values()), "out": recordings},
        "dropped": {reason: names for reason, names in dropped.items() if names},
        "excluded": excluded,
        "left_behind": {
            "annotations without a recording": source["annotations_without_recording"],
            "other files": source["other_files"],
        },
    }


def _extract(run: _Run) -> Account:
    summary = run.json(run.folders.tables / artifacts.SUMMARY.name)
    return {
        "recordings": {"in": run.json(run.folders.raw / artifacts.SOURCE)["recordings"], "out": summary["recordings"]},
        "cycles": {"out": summary["cycles"]},
        "dropped": {},
    }


def _validate(run: _Run) -> Account:
    summary = run.json(run.folders.tables / artifacts.SUMMARY.name)
    counts = {kind: {"in": summary[kind], "out": summary[kind]} for kind in ("recordings", "cycles")}
    return counts | {"dropped": {}}


def _fbank(run: _Run) -> Account:
    made = run.json(run.folders.features(run.frontend or "") / file_names.STATISTICS)["cycles"]
    with as_artifact_error(), open_table(run.root / run.folders.tables / artifacts.CYCLES.name) as table:
        cycles = table.metadata.num_rows
    return {"cycles": {"in": cycles, "out": made}, "dropped": {}}


def _pool(run: _Run) -> Account:
    counts = run.json(artifacts.SUMMARY)
    return {kind: {"in": counts[kind], "out": counts[kind]} for kind in ("recordings", "cycles")} | {"dropped": {}}


def _learning(run: _Run) -> Account:
    account = _subsets(run, "train", "val")
    if held_out := run.decisions.get("held_out"):
        fold = run.decisions["fold"]
        reason = f"fold {fold['index']} of {fold['of']}, which this teacher leaves out"
        account["dropped"][reason] = sorted(held_out)
    return account


def _evaluate(run: _Run) -> Account:
    return _subsets(run, "test")


def _explain(run: _Run) -> Account:
    account, sampled = _subsets(run, "train", "val", "test"), run.decisions["sampled"]
    left = {name: set(cycles).difference(sampled[name]) for name, cycles in run.decisions["subsets"].items()}
    if rest := sorted(set().union(*left.values())):
        account["dropped"]["not in the sample of each subset"] = rest
        account["cycles"]["out"] -= len(rest)
    return account


def _export(run: _Run) -> Account:
    return _subsets(run, "train", "val", "test")


def _subsets(run: _Run, *used: str) -> Account:
    """Return the counts of a stage that uses some subsets; the cycles of the other subsets are not dropped."""
    subsets, labels = run.decisions["subsets"], run.params["labels"]
    kept = {cycle for cycles in (*subsets.values(), run.decisions.get("held_out", ())) for cycle in cycles}
    table = read_table(run.root / artifacts.CYCLES, ["cycle_id", labels])
    dropped: dict[str, list[str]] = {}
    for row in table.to_pylist():
        if row["cycle_id"] not in kept:
            outside = f"outside of the split {run.params['split']}"
            reason = f"no label in {labels}" if row[labels] is None else outside
            dropped.setdefault(reason, []).append(row["cycle_id"])
    sizes = {name: len(cycles) for name, cycles in subsets.items()}
    return {
        "cycles": {"in": table.num_rows, "out": sum(sizes[name] for name in used)},
        "subsets": sizes,
        "dropped": {reason: sorted(ids) for reason, ids in sorted(dropped.items())},
    }


_BY_WORK: dict[str, Callable[[_Run], Account]] = {
    "download": _download,
    "extract": _extract,
    "validate": _validate,
    "fbank": _fbank,
    "pool": _pool,
    "train_teacher": _learning,
    "train_student": _learning,
    "soft_labels": _learning,
    "evaluate": _evaluate,
    "explain": _explain,
    "export": _export,
}
