"""The record of a stage: what it read, what it made, by which code, parameters and environment.

It is an out of its stage (``data/lineage/<stage>.json``): versioned, cached and restored with what it describes. It
holds nothing that changes from run to run; that is in the event log (`lineage.events`), which names the record's hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage import code, files, graph
from tasks.artifacts import RECORDS
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json

FORMAT = 1


@dataclass(frozen=True)
class Beginning:
    """A stage as it was when it began: what is edited while it runs did not make its outs.

    Attributes:
        spec: What dvc.yaml said of it.
        params: The parameters that it reads.
        git: What Git knew of the code (`code.git`).
        code: The code that dvc.yaml names as its deps (`files.describe`).
        modules: The SHA-256 of the project's modules that were imported by then.
    """

    spec: graph.Stage
    params: Mapping[str, Any]
    git: Mapping[str, Any] | None
    code: tuple[Mapping[str, Any], ...]
    modules: Mapping[str, str]


def begin(root: Path, stage: str) -> Beginning:
    """Return a stage as it is now.

    Raises:
        BreathlineError: The stage is none of dvc.yaml's, or dvc.yaml or params.yaml cannot be read.
        FileNotFoundError: Some of its code is not there.
    """
    spec = graph.read(root).get(stage)
    if spec is None:
        raise BreathlineError(
            f"dvc.yaml has no stage {stage}.", where=root / "params.yaml", hint="name it there, or run another"
        )
    values = params.read(root / "params.yaml")
    return Beginning(
        spec=spec,
        params={key: params.section(values, key) for key in spec.params},
        git=code.git(root),
        code=tuple(files.describe(root, spec.code)),
        modules=code.modules(root),
    )


def path_of(stage: str) -> Path:
    """Return where the record of a stage lies, relative to the project."""
    return RECORDS / f"{stage}.json"


def write(root: Path, begun: Beginning, account: Mapping[str, Any]) -> Path:
    """Write the record of a stage that has just ended well, and return its path.

    Args:
        root: The project.
        begun: The stage as it began; modules that it imported since are those that lie there.
        account: What it counted: recordings and cycles in and out, and what was dropped for which reason.

    Raises:
        FileNotFoundError: A dep or an out of the stage is not there.
    """
    spec = begun.spec
    own = path_of(spec.name).as_posix()
    inputs = files.describe(root, spec.inputs, _known(root, spec.inputs))
    record = {
        "format": FORMAT,
        "stage": spec.name,
        "command": spec.command,
        "inputs": inputs,
        "outputs": files.describe(root, [name for name in spec.outs if name != own]),
        "params": dict(begun.params),
        "seeds": dict(_seeds(begun.params)) | _seed_of(spec.name),
        "modules": dict(sorted((code.modules(root) | dict(begun.modules)).items())),
        "code": list(begun.code),
        "git": begun.git,
        "environment": code.environment(root),
        "account": dict(account),
    }
    write_json(root / own, record)
    return root / own


def read(root: Path, stage: str) -> dict[str, Any] | None:
    """Return the record of a stage, or none where there is none.

    Raises:
        ValueError: It is no JSON.
    """
    path = root / path_of(stage)
    if not path.is_file():
        return None
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _known(root: Path, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return what the records of the stages before say of the files among these, by their SHA-256."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((root / RECORDS).glob("*.json")):
        try:
            outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
        except (ValueError, KeyError):
            continue  # `audit verify` names it; here its files are read anew
        for file in files.flat(outputs).values():
            if file["path"].startswith(names):
                found[file["sha256"]] = file
    return found


def _seeds(values: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return every parameter that is called a seed, by its dotted key."""
    found: list[tuple[str, Any]] = []
    if isinstance(values, Mapping):
        for key, value in values.items():
            name = f"{prefix}.{key}" if prefix else str(key)
            if str(key).split(".")[-1] in ("seed", "seeds"):
                found.append((name, value))
            else:
                found += _seeds(value, name)
    return found


def _seed_of(stage: str) -> dict[str, int]:
    """Return the seed that is the name of a student's stage: ``train_student@3``."""
    group, _, item = stage.partition("@")
    return {"student.seed": int(item)} if group == "train_student" else {}
