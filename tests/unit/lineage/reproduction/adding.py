"""A project of one training stage that takes milliseconds, with its record, dvc.lock and cache."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from lineage import code, events, files, machine
from lineage.reproduction import targets
from lineage.reproduction.run import Options, Outcome
from lineage.verify.audited_project import AuditedProject
from tasks.runtime.files import sha256, write_json
from tests import toy

STAGE = "train_student@1"
# The stage: it adds up numbers, and writes its record as `lineage.recorder` does.
SCRIPT = """\
import hashlib, json, os, pathlib, sys
from extra import FACTOR
stage, out = sys.argv[1], pathlib.Path("data/student/1")
total = FACTOR * sum(int(path.read_text()) for path in sorted(pathlib.Path("data/numbers").iterdir()))
out.mkdir(parents=True)
(out / "weights.bin").write_bytes(b"%d" % (total + int(os.environ.get("NOISE", 0))))
(out / "history.csv").write_text("epoch,loss\\n1,0.5\\n")
paths = [out / "history.csv", out / "weights.bin"]
found = [{"path": str(p), "sha256": hashlib.sha256(p.read_bytes()).hexdigest()} for p in paths]
record = {"stage": stage, "command": "", "inputs": [], "params": {}, "modules": {}, "code": [], "environment": {}}
record |= {"outputs": [{"path": str(out), "files": found}], "decisions": {"total": total}, "account": {}}
pathlib.Path(f"data/lineage/{stage}.json").parent.mkdir(parents=True)
pathlib.Path(f"data/lineage/{stage}.json").write_text(json.dumps(record))
"""
GRAPH = """\
stages:
  train_student:
    matrix: {seed: "${seeds}"}
    cmd: python tasks/add.py "$DVC_STAGE"
    deps: [tasks, data/numbers]
    params: [factor]
    outs: ["data/student/${item.seed}", "data/lineage/train_student@${item.seed}.json"]
"""
LOCK = """\
stages:
  numbers:
    cmd: numbers
    outs:
{}"""


def build(root: Path) -> Path:
    """Write the project, run its stage, and return its folder."""
    for name, text in {
        "tasks/add.py": SCRIPT,
        "tasks/extra.py": "FACTOR = 1\n",
        "dvc.yaml": GRAPH,
        "params.yaml": "seeds: [1]\nfactor: 1\n",
        "requirements.lock": "",
        ".gitignore": "/data\n/.dvc\n/.lineage\n__pycache__\n",
        "data/numbers/a": "20",
        "data/numbers/b": "22",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    toy.call(root, "git", "init", "--quiet")
    toy.commit(root, "The code")
    run(root)
    return root


def run(root: Path) -> None:
    """Run the stage, and write its record and the dvc.lock and cache of its inputs."""
    start = events.append(root, {"event": "start", "stage": STAGE, **machine.hardware()})
    for folder in ("data/student", "data/lineage"):
        shutil.rmtree(root / folder, ignore_errors=True)
    toy.call(root, "python", "tasks/add.py", STAGE)
    path = root / f"data/lineage/{STAGE}.json"
    made = json.loads(path.read_text())
    made |= {
        "command": 'python tasks/add.py "$DVC_STAGE"',
        "inputs": files.describe(root, ["data/numbers"]),
        "code": files.describe(root, ["tasks"]),
        "params": {"factor": 1},
        "git": code.git_state(root),
        "environment": code.environment(root),
    }
    write_json(path, made)
    entries = []
    for file in sorted((root / "data/numbers").iterdir()):
        md5 = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        held = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        held.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, held)
        entries.append(f"    - path: data/numbers/{file.name}\n      md5: {md5}\n")
    (root / "dvc.lock").write_text(LOCK.format("".join(entries)))
    events.append(root, {"event": "end", "stage": STAGE, "start": start, "status": "done", "record": sha256(path)})


def change(root: Path, edit: Callable[[dict], object]) -> None:
    """Change the record."""
    path = root / f"data/lineage/{STAGE}.json"
    found = json.loads(path.read_text())
    edit(found)
    write_json(path, found)


def exchange(root: Path) -> None:
    """Put another model in place of the recorded one, and its hash into record and log."""
    path = root / "data/student/1/weights.bin"
    before = sha256(path)
    path.write_text("99")
    record = root / f"data/lineage/{STAGE}.json"
    old = sha256(record)
    record.write_text(record.read_text().replace(before, sha256(path)))
    entries = events.read(root)
    for name in (events.LOG, events.HEAD):
        (root / name).unlink()
    for entry in entries:
        given = {key: value for key, value in entry.items() if key not in ("number", "before", "hash")}
        events.append(root, given | ({"record": sha256(record)} if given.get("record") == old else {}))


def reproduced(root: Path, what: str = STAGE, **options: object) -> Outcome:
    """Return the result of a reproduction of the stage."""
    with targets.find(AuditedProject(root), what) as runs:
        (outcome,) = targets.reproduce_each(runs, Options(quiet=True, **options))
    return outcome
