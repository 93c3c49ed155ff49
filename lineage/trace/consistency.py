"""What must be said beside an answer: where records contradict each other or the files; what a figure leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from lineage import events, files
from lineage.trace.project_data import CYCLES, METRICS, PREDICTIONS, RECORDINGS, SOFT_LABELS, SPLIT, Evidence
from lineage.trace.provenance_graph import Node
from tasks.runtime.files import sha256

READ = (RECORDINGS, CYCLES, SOFT_LABELS, PREDICTIONS, METRICS)  # what answers are read from


def of(evidence: Evidence) -> Iterator[str]:
    """Yield why an answer may not hold: a record is missing, or does not fit another or what lies there."""
    missing = [name for name in evidence.project.stages if name not in evidence.project.records]
    if missing:
        yield f"no record of {', '.join(missing)}: not run yet, or before there were records"
    yield from _between(evidence)
    for path in READ:
        said = evidence.file(path).get("sha256")
        if said and evidence.exists(path) and sha256(evidence.root / path) != said:
            yield f"{path} is not what {evidence.file(path)['stage']} made: it was changed since"
    yield from _params(evidence)
    if events.check(evidence.root):
        yield "the event log was altered, so that who ran what and when may not hold: `breathline audit verify`"


def cautions(root: Node, evidence: Evidence) -> Iterator[str]:
    """Yield what has to be known of the thing itself."""
    if root.kind == "metric" and ".groups." in f".{root.name}":
        yield "the figure counts only the test cycles of this group; all that the models learned from is behind it"
    if root.kind == "row" and not root.facts["subset"]:
        yield "the cycle is in no subset: nothing learned from it, and nothing was judged on it"
    if root.kind == "recording" and not any(evidence.subsets.get(one) for one in evidence.cycles_of[root.name]):
        yield "no cycle of the recording is in the split: nothing learned from it, and nothing was judged on it"


def _between(evidence: Evidence) -> Iterator[str]:
    """Yield where a stage has read something else than what the stage before has made, by their records."""
    for name, found in evidence.project.records.items():
        changed: dict[str, list[str]] = {}
        for path, file in files.flat(found["inputs"]).items():
            made = evidence.file(path)
            if made and made["sha256"] != file["sha256"]:
                changed.setdefault(made["stage"], []).append(path)
        for stage, paths in changed.items():
            which = paths[0] if len(paths) == 1 else f"{len(paths)} files such as {paths[0]}"
            yield f"{name} has read another version of {which} than {stage} has made: run `dvc repro {name}`"


def _params(evidence: Evidence) -> Iterator[str]:
    """Yield where stages have read different labels, split or validation."""
    for key in SPLIT:
        read = {
            name: found["params"][key] for name, found in evidence.project.records.items() if key in found["params"]
        }
        others = [name for name, value in read.items() if value != evidence.parameter("evaluate", key)]
        if others:
            yield f"{', '.join(others)} ran with another `{key}` than evaluate"
