"""Notes beside a trace: contradictions between records and files, and limits of the answer."""

from collections.abc import Iterator

from lineage import files
from lineage.trace.project_data import ProjectData
from lineage.trace.provenance_graph import Node
from tasks.artifacts import CYCLES, EXTERNAL_PREDICTIONS, METRICS, PREDICTIONS, RECORDINGS, SOFT_LABELS
from tasks.runtime.files import sha256

READ = (RECORDINGS, CYCLES, SOFT_LABELS, PREDICTIONS, EXTERNAL_PREDICTIONS, METRICS)  # files that traces read
SHARED = ("labels", "heads", "split", "validation")  # parameters that must agree between stages


def contradictions(data: ProjectData) -> Iterator[str]:
    """Yield missing records, and records that contradict another record or a file."""
    missing = [name for name in data.project.stages if name not in data.project.records]
    if missing:
        yield f"no record of {', '.join(missing)}: not run yet, or run before records existed"
    yield from _inputs(data)
    tables = [corpus.tables / path.name for corpus in data.external for path in (RECORDINGS, CYCLES)]
    for path in (*READ, *tables):
        recorded = data.file(path).get("sha256")
        if recorded and data.exists(path) and sha256(data.root / path) != recorded:
            yield f"{path} is not what {data.file(path)['stage']} made: it was changed since"
    yield from _parameters(data)
    if data.log.faults:
        yield "the event log was altered, so user, host and time of the runs may be false: `breathline audit verify`"


def cautions(root: Node, data: ProjectData) -> Iterator[str]:
    """Yield limits of the answer about a node."""
    if root.kind == "metric" and ".groups." in f".{root.name}":
        yield "the figure counts only the test cycles of this group; all that the models learned from is behind it"
    if root.kind == "row" and not root.facts["subset"]:
        yield "the cycle is in no subset: nothing learned from it, and it counts in no figure of the shared classes"
    if root.kind == "recording" and not any(data.subsets.get(cycle) for cycle in data.cycles_of[root.name]):
        yield "no cycle of the recording is in the split: nothing learned from it, and nothing was judged on it"


def _inputs(data: ProjectData) -> Iterator[str]:
    """Yield stages whose recorded inputs differ from the recorded outs of upstream stages."""
    for name, found in data.project.records.items():
        changed: dict[str, list[str]] = {}
        for path, file in files.by_path(found["inputs"]).items():
            made = data.file(path)
            if made and made["sha256"] != file["sha256"]:
                changed.setdefault(made["stage"], []).append(path)
        for stage, paths in changed.items():
            which = paths[0] if len(paths) == 1 else f"{len(paths)} files such as {paths[0]}"
            yield f"{name} has read another version of {which} than {stage} has made: run `dvc repro {name}`"


def _parameters(data: ProjectData) -> Iterator[str]:
    """Yield stages that read other labels, split or validation than `evaluate`."""
    for key in SHARED:
        given = {name: found["params"] for name, found in data.project.records.items() if key in found["params"]}
        others = [name for name, params in given.items() if params[key] != data.parameter("evaluate", key)]
        if others:
            yield f"{', '.join(others)} ran with another `{key}` than evaluate"
