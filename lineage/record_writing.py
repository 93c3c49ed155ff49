"""Writing of the record of a stage (`lineage.record`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from lineage import code, files, foreign_modules, graph, out_folders, row_counts
from lineage.foreign_modules import ForeignModules
from lineage.record import path_of
from tasks.artifacts import RECORDS
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json
from tasks.runtime.params import flatten
from tasks.runtime.words import counted, listed

FORMAT = 1


@dataclass(frozen=True)
class StageStart:
    """State of a stage at its start; later edits did not make its outs."""

    spec: graph.Stage  # the stage in dvc.yaml
    params: Mapping[str, Any]  # the parameters that the stage reads
    git: Mapping[str, Any] | None  # state of the code in Git (`code.git_state`)
    code: tuple[Mapping[str, Any], ...]  # descriptions of the code among the deps (`files.describe`)
    modules: Mapping[str, str]  # SHA-256 of the project's imported modules
    foreign: ForeignModules  # imported modules from elsewhere, which the user allows


def begin(root: Path, stage: str) -> StageStart:
    """Return the current state of a stage.

    Raises:
        BreathlineError: dvc.yaml does not have the stage, or it or params.yaml cannot be read. A dep is missing, or a
            folder is a link. A module from outside of the project was imported (`foreign_modules`).
    """
    spec = graph.read(root).get(stage)
    if spec is None:
        hint = "add its item there, or run another"
        raise BreathlineError(f"dvc.yaml has no stage {stage}.", where=root / "params.yaml", hint=hint)
    for deps, hint in (
        (spec.code, "restore the code by `git checkout -- PATH`"),
        (spec.inputs, f"run `dvc repro {stage}`: DVC runs the stages before it first"),
    ):
        if missing := [name for name in deps if not (root / name).exists()]:
            what = f"{counted(len(missing), 'dep')} of the stage {stage} {'is' if len(missing) == 1 else 'are'} missing"
            raise BreathlineError(f"{what}: {listed(missing)}.", where=root, hint=hint)
    out_folders.check(root, spec.outs)
    values = params.read(root / "params.yaml")
    return StageStart(
        spec=spec,
        params={key: params.section(values, key) for key in spec.params},
        git=code.git_state(root),
        code=tuple(files.describe(root, spec.code)),
        modules=_modules(root, spec),
        foreign=foreign_modules.accepted(root),
    )


def write(root: Path, begun: StageStart, decisions: Mapping[str, Any]) -> Path:
    """Write the record of a stage that has ended successfully, and return its path.

    The hashes of modules that were imported since the start are those of the current files. Modules from outside of the
    project that the user has not allowed are recorded, and an error of `audit verify`.

    Raises:
        FileNotFoundError: A dep has disappeared since the start, or an out of the stage is missing.
    """
    spec = begun.spec
    own = path_of(spec.name).as_posix()
    late = foreign_modules.so_far(root)
    foreign = dict(sorted({**late.hashes, **begun.foreign.hashes}.items()))
    record = {
        "format": FORMAT,
        "stage": spec.name,
        "command": spec.command,
        "inputs": files.describe(root, spec.inputs, _known(root, spec.inputs)),
        "outputs": files.describe(root, [name for name in spec.outs if name != own]),
        "params": dict(begun.params),
        "seeds": _seeds(begun.params) | _seed_of(spec.name),
        "modules": dict(sorted((_modules(root, spec) | dict(begun.modules)).items())),
        **({"foreign": foreign, "standard": sorted({*late.standard, *begun.foreign.standard})} if foreign else {}),
        **({"refused": list(late.refused)} if late.refused else {}),
        "code": list(begun.code),
        "git": begun.git,
        "environment": code.environment(root),
        "decisions": dict(decisions),
        "account": row_counts.count(root, spec.name, begun.params, decisions),
    }
    write_json(root / own, record)
    return root / own


def _modules(root: Path, spec: graph.Stage) -> dict[str, str]:
    """Return the imported modules that the stage depends on; the check of all parameters imports other ones as well."""
    return {
        path: digest
        for path, digest in code.imported_modules(root).items()
        if any(PurePath(path).is_relative_to(dep) for dep in spec.code)
    }


def _known(root: Path, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the recorded descriptions of files below some paths, by their SHA-256."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((root / RECORDS).glob("*.json")):
        try:
            outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
        except (ValueError, KeyError):
            continue  # a finding of `audit verify`; the files are hashed again
        for file in files.by_path(outputs).values():
            if file["path"].startswith(names):
                found[file["sha256"]] = file
    return found


def _seeds(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters called `seed` or `seeds`, by dotted key."""
    leaves = flatten(given)
    return {key: value for key, value in leaves.items() if key.rpartition(".")[2] in ("seed", "seeds")}


def _seed_of(stage: str) -> dict[str, int]:
    """Return the seed in the name of a student's stage: ``train_student@3``."""
    group, _, item = stage.partition("@")
    return {"student.seed": int(item)} if group == "train_student" else {}
