"""Comparison of a reproduced stage with its record and with the files of its run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage import files
from lineage.content import content_hash
from lineage.reproduction.recorded_run import RecordedRun

FACTS = ("decisions", "account")  # keys of a record that follow from inputs and code
LOSSES = "first_losses"  # decision of a training that depends on the last bits


@dataclass(frozen=True)
class Difference:
    """Difference of a reproduction from its run."""

    what: str  # description, with the path or key
    by_rounding: bool = False  # whether other last bits on other hardware may be the cause


def compare(run: RecordedRun, folder: Path, record: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield each difference of the reproduced outs and record from those of the run.

    The recorded hash, the reproduced file and the file of the run itself, where it exists, must agree. A file with
    other bytes and equal content, such as a report with the time of its run, is no difference.

    Args:
        run: Recorded run.
        folder: Folder of the reproduction.
        record: Record of the reproduction.
    """
    made, recorded = files.by_path(record["outputs"]), files.by_path(run.record["outputs"])
    for path in sorted(made.keys() | recorded.keys()):
        if path not in made:
            yield Difference(f"{path}: the run made it, the reproduction did not")
        elif path not in recorded:
            yield Difference(f"{path}: the reproduction made it, the run did not")
        else:
            yield from _of_file(run, path, recorded[path], made[path])
    for key in FACTS:
        then, now = run.record.get(key, {}), record.get(key, {})
        if changed := sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name)):
            yield Difference(f"record: other {key} ({', '.join(changed)})", by_rounding=changed == [LOSSES])


def other_bytes(run: RecordedRun, record: Mapping[str, Any]) -> int:
    """Return the number of outs whose bytes are not the recorded ones, though their content may be equal."""
    made, recorded = files.by_path(record["outputs"]), files.by_path(run.record["outputs"])
    return sum(made[path]["sha256"] != recorded[path]["sha256"] for path in made.keys() & recorded.keys())


def _of_file(run: RecordedRun, path: str, recorded: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[Difference]:
    there = run.evidence.hashes.of(run.folder / path)
    if there is not None and there.sha256 != recorded["sha256"]:
        yield Difference(f"{path}: the file is not the one that the record names")
    if made["sha256"] != recorded["sha256"] and not _has_content(run.folder / path, made, recorded):
        what = f"{path}: SHA-256 {made['sha256'][:12]}…, recorded {recorded['sha256'][:12]}…"
        yield Difference(what, by_rounding=there is not None)


def _has_content(path: Path, made: Mapping[str, Any], recorded: Mapping[str, Any]) -> bool:
    """Return whether files with other bytes have equal content.

    The file of the run is read, since its recorded content hash may be false.
    """
    content = made.get("content")
    if content is None or content != recorded.get("content") or not path.is_file():
        return False
    return bool(content_hash(path) == content)


def inputs(run: RecordedRun, makers: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    """Yield inputs of a run that are not what the record of their maker names.

    Args:
        run: Recorded run.
        makers: Records of stages that are reproduced along with it, by stage.
    """
    made = {
        path: (name, digest)
        for name, found in makers.items()
        for path, digest in files.hashes(found["outputs"]).items()
    }
    for path, digest in run.files("inputs"):
        if path in made and made[path][1] != digest:
            yield Difference(f"{path}: {run.stage} read another version than {made[path][0]} made")
