"""Ways to change a finished run, by accident or on purpose: each is done for real."""

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from lineage import events
from lineage.content import content_hash
from lineage.log_head import START
from lineage.log_lines import hash_of, line_of
from lineage.verify.file_hashes import FileHashes
from tasks.runtime.files import sha256
from tests import toy
from tests.pipeline import runs

AUDIO, METADATA = "data/raw/icbhi/audio", "data/raw/icbhi/metadata"
CYCLES, PREDICTIONS = "data/cycles/cycles.parquet", "data/evaluation/predictions.parquet"
STUDENT = "data/student/1/val.safetensors"
SOFT_LABELS, FEATURES = "data/soft_labels/soft_labels.parquet", "data/fbank/ast/icbhi/features.npy"
# An entry of a dep or an out in dvc.lock.
LOCKED = re.compile(r"- path: (?P<path>.+)\n +hash: md5\n +md5: (?P<md5>\S+)\n +size: (?P<size>\d+)")
# A machine on which equal inputs do not give equal weights: saving adds noise, and the stage itself is the project's.
UNSTEADY = """\
import runpy, sys
from models import artifact
save = artifact.save
artifact.save = lambda folder, states, card: save(
    folder, {k: {n: t + 0.001 for n, t in s.items()} for k, s in states.items()}, card
)
sys.argv = ["stage", "train_student", "1"]
runpy.run_module("cli.stage", run_name="__main__", alter_sys=True)
"""


def flip(path: Path, place: int = -1000) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def first(folder: Path, suffix: str = ".wav") -> Path:
    """Return the first recording, or its annotation."""
    return min((folder / AUDIO).glob(f"*{suffix}"))


def text(path: Path, old: str, new: str) -> None:
    """Replace a text's first occurrence of `old`, which must be there."""
    before = path.read_text(encoding="utf-8")
    assert old in before, f"{old} is not in {path}"
    path.write_text(before.replace(old, new, 1), encoding="utf-8")


def value(path: Path, column: str, row: int, change: Callable[[Any], Any]) -> None:
    """Change one value of a Parquet table and write the table as it was written."""
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[row] = change(values[row])
    place, kind = table.column_names.index(column), table[column].type
    changed = table.set_column(place, table.field(column), pa.array(values, kind))
    pq.write_table(changed, path, compression="zstd")


def label_by_polars(folder: Path) -> None:
    """Change one label in the table of cycles with polars, which writes other types of text and whole numbers."""
    table = pl.read_parquet(folder / CYCLES)
    label = pl.Series("lungsound_4", [(table["lungsound_4"][0] + 1) % 4, *table["lungsound_4"][1:]])
    table.with_columns(label).write_parquet(folder / CYCLES)


def rows(path: Path, change: Callable[[list[int]], list[int]]) -> None:
    """Change the order of the rows of a Parquet table."""
    table = pq.read_table(path)
    pq.write_table(table.take(change(list(range(len(table))))), path, compression="zstd")


def document(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file and write it as the project does."""
    loaded = json.loads(path.read_text(encoding="utf-8"))
    change(loaded)
    path.write_text(json.dumps(loaded, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def lock(folder: Path, stage: str, change: Callable[[Any], None]) -> None:
    """Change what dvc.lock says of a stage."""
    runs.edit(folder, lambda read: change(read["stages"][stage]), "dvc.lock")


def features(folder: Path) -> None:
    """Exchange two rows of the features: the array holds the same numbers."""
    array = np.load(folder / FEATURES, mmap_mode="r+")
    array[[2, 5]] = array[[5, 2]]
    array.flush()


def weight(folder: Path, path: str = STUDENT) -> None:
    """Change one weight of a model, by default of a student, by little."""
    path = folder / path
    tensors = load_file(path)
    name = max(tensors, key=lambda key: tensors[key].size)
    tensors[name].flat[0] += 1e-3
    save_file(tensors, path)


def swap_teacher(folder: Path) -> None:
    """Put another teacher's files in a teacher's place."""
    shutil.rmtree(folder / "data/teachers/t1")
    shutil.copytree(folder / "data/teachers/t2", folder / "data/teachers/t1")


def move_patient(folder: Path) -> None:
    """Move a patient of the training side to test, in the official list."""
    path = folder / METADATA / "ICBHI_challenge_train_test.txt"
    patient = first_of(path, "train")
    lines = path.read_text().split("\n")
    path.write_text(
        "\n".join(line.replace("\ttrain", "\ttest") if line.startswith(patient) else line for line in lines)
    )


def move_cycles(folder: Path) -> None:
    """Move a patient's cycles to test, in the table of cycles alone."""
    table = pq.read_table(folder / CYCLES)
    patient = first_of(folder / METADATA / "ICBHI_challenge_train_test.txt", "train").removesuffix("_")
    rows = zip(table["patient_id"].to_pylist(), table["split"].to_pylist(), strict=True)
    sides = pa.array(["test" if one == patient else side for one, side in rows], pa.string())
    table = table.set_column(table.column_names.index("split"), table.field("split"), sides)
    pq.write_table(table, folder / CYCLES, compression="zstd")


def first_of(path: Path, side: str) -> str:
    """Return the first patient of a side, as the names of recordings start."""
    return min(line[:4] for line in path.read_text(encoding="utf-8").splitlines() if line.endswith(side))


def log(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the lines of the event log."""
    path = folder / events.LOG
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


def rewrite_log(folder: Path, change: Callable[[dict[str, Any]], Mapping[str, Any] | None]) -> None:
    """Change entries of the event log, or leave them out, and make the whole chain, and its head, fit again."""
    entries, renamed, lines = events.read(folder), {}, []
    before = START
    for entry in entries:
        changed = change(entry)
        if changed is None:
            continue
        given = {key: value for key, value in changed.items() if key not in ("number", "before", "hash")}
        given |= {"start": renamed.get(given["start"], given["start"])} if "start" in given else {}
        given |= {"number": len(lines) + 1, "before": before}
        before = renamed[entry["hash"]] = hash_of(given)
        lines.append(line_of(given | {"hash": before}) + "\n")
    (folder / events.LOG).write_text("".join(lines))
    (folder / events.HEAD).write_text(line_of({"number": len(lines), "hash": before}) + "\n")


def restore(folder: Path, path: str) -> None:
    """Let DVC vouch for what lies at a path now, as `dvc commit` does."""
    toy.call(folder, "dvc", "commit", "--force", "--quiet", path)


def believed(folder: Path) -> None:
    """Change a record, and let DVC vouch for it, and Git for what DVC says."""
    document(folder / "data/lineage/evaluate.json", lambda record: record["account"].update(forged=True))
    restore(folder, "evaluate")
    runs.commit(folder, "nothing to see here")


def unlock_record(folder: Path) -> None:
    """Take the record of `evaluate` out of dvc.lock."""
    lines = (folder / "dvc.lock").read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.strip() == "- path: data/lineage/evaluate.json")
    end = next(number for number in range(at + 1, len(lines)) if lines[number].startswith("    - "))
    (folder / "dvc.lock").write_text("".join(lines[:at] + lines[end:]))


def forge(folder: Path, path: str, change: Callable[[Path], None], *, content: bool = False) -> None:
    """Change a file, and everything that knows its hash: records, dvc.lock, the cache and the event log.

    Content hashes are changed on request alone: verification without `--deep` does not take them anew.
    """
    before, inside = sha256(folder / path), content_hash(folder / path)
    change(folder)
    after, now_inside = sha256(folder / path), content_hash(folder / path)
    renamed: dict[str, str] = {}
    for record in sorted((folder / "data/lineage").glob("*.json")):
        old = sha256(record)
        said = record.read_text().replace(before, after)
        record.write_text(said.replace(str(inside), str(now_inside)) if content else said)
        renamed[old] = sha256(record)
    # Hashes of folders are left as they are.
    rewrite_log(folder, lambda entry: entry | {"record": renamed[entry["record"]]} if "record" in entry else entry)
    relock(folder)


def relock(folder: Path) -> None:
    """Let dvc.lock and the cache hold what the project holds now, as `dvc commit --force` does, in no time."""
    hashes, lock = FileHashes(folder), folder / "dvc.lock"

    def updated(entry: re.Match[str]) -> str:
        path, before = entry["path"], entry["md5"]
        md5, size = next(iter(hashes.versions(path).items()))
        if md5 != before:
            store(folder, hashes, path, md5)
        return entry[0].replace(before, md5).replace(f"size: {entry['size']}", f"size: {size}")

    lock.write_text(LOCKED.sub(updated, lock.read_text(encoding="utf-8")), encoding="utf-8")


def store(folder: Path, hashes: FileHashes, path: str, md5: str) -> None:
    """Write a path of the project, whose MD5 is given, into the cache."""
    listed = hashes.listing(path) if (folder / path).is_dir() else (path,)
    found = {name: hashes.of(name) for name in listed}
    listing = [{"md5": found[name].md5, "relpath": name.removeprefix(f"{path}/")} for name in listed]
    contents = {found[name].md5: (folder / name).read_bytes() for name in listed}
    contents |= {md5: json.dumps(listing, sort_keys=True).encode()} if md5.endswith(".dir") else {}
    for digest, content in contents.items():
        held = folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        held.parent.mkdir(parents=True, exist_ok=True)
        if not held.exists():
            held.write_bytes(content)


def vouch(folder: Path, stage: str, change: Callable[[Any], None]) -> None:
    """Change a record, and let the event log, dvc.lock and the cache vouch for it."""
    path = folder / f"data/lineage/{stage}.json"
    old = sha256(path)
    document(path, change)
    renamed = {old: sha256(path)}
    rewrite_log(folder, lambda entry: entry | {"record": renamed.get(entry.get("record"), entry.get("record"))})
    restore(folder, stage)


def noise(folder: Path) -> None:
    """Put another network in the place of the student: the same tensors with noise."""
    path = folder / STUDENT
    random = np.random.default_rng(0)
    tensors = {name: values for name, values in load_file(path).items() if values.dtype.kind == "f"}
    noisy = {
        name: values + random.normal(0, 0.05, values.shape).astype(values.dtype) for name, values in tensors.items()
    }
    save_file(load_file(path) | noisy, path)


def cached(folder: Path, path: str) -> Path:
    """Return the object of DVC's cache that holds a file's bytes."""
    md5 = hashlib.md5((folder / path).read_bytes(), usedforsecurity=False).hexdigest()
    return folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def damage_cache(folder: Path) -> None:
    """Change an object of the cache; the workspace stays as it is."""
    path = cached(folder, "data/teachers/t1/val.safetensors")
    path.chmod(0o644)
    flip(path, -1)


def rerun(folder: Path, unsteady: bool = False) -> None:
    """Train the student again under its name, past DVC."""
    command = ["-c", UNSTEADY] if unsteady else ["-m", "cli.stage", "train_student", "1"]
    toy.call(folder, sys.executable, *command)


def rerun_otherwise(folder: Path) -> None:
    """Train the student with another rate, then put params.yaml back."""
    kept = (folder / "params.yaml").read_text()
    runs.edit(folder, lambda read: read["student"]["optimizer"].update(lr=0.1))
    rerun(folder)
    (folder / "params.yaml").write_text(kept)


def rewrite_history(folder: Path) -> None:
    """Make the commits that the run knows vanish from Git."""
    branch = toy.call(folder, "git", "symbolic-ref", "--short", "HEAD").strip()
    toy.call(folder, "git", "checkout", "--quiet", "--orphan", "other")
    toy.call(folder, "git", "commit", "--quiet", "-m", "as if nothing had been before")
    toy.call(folder, "git", "branch", "--quiet", "-D", branch)
    toy.call(folder, "git", "reflog", "expire", "--expire=now", "--all")
    toy.call(folder, "git", "gc", "--quiet", "--prune=now")


def package(folder: Path) -> str:
    """Return a folder with another version of a package, to be put in front of what is installed."""
    about = folder.parent / "site/numpy-9.9.9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.9\n")
    return str(about.parent)
