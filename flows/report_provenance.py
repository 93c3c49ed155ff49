"""Provenance on the report: origin of the figures, the nearest recipe, and the commands that make them again."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.recipes import nearest
from lineage import graph, record, run_origin
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import listed


def read(root: Path) -> dict[str, Any]:
    """Return what the report says about its origin (`run_origin.read`), with ``recipe`` and ``commands``.

    Facts that cannot be read are None: the origin is an annotation of the page, and never stops the stage.
    """
    found = run_origin.read(root, graph.read(root))
    return found | {"recipe": _recipe(root), "commands": commands(found)}


def _recipe(root: Path) -> dict[str, Any] | None:
    """Return the nearest recipe as a mapping; None if recipes or parameters cannot be read."""
    try:
        found = nearest.find(root, params.read(root / params.PARAMS))
    except BreathlineError:
        return None
    return asdict(found) if found else None


def commands(origin: Mapping[str, Any]) -> list[str]:
    """Return the commands that make the figures again, from the commit of their evaluation; none without a commit."""
    if origin["commit"] is None:
        return []
    # Without the stash, later changes would stay in the files, or Git would refuse the commit or the diff.
    checkout = [
        "# `git stash pop` brings back what `git stash` sets aside",
        "git stash",
        f"git checkout {origin['commit'][:12]}",
    ]
    if not origin["dirty"]:
        return [*checkout, "dvc repro"]
    save, apply, note = [], [], []
    if origin["changed_files"]:
        # The record holds the diff of the run; params.yaml is part of it.
        diff = f"import json; print(json.load(open('{record.path_of('evaluate')}'))['git']['diff'])"
        save, apply = [f'python -c "{diff}" > run.diff'], ["git apply run.diff"]
    if origin["untracked"]:
        note = [f"# restore by hand, because Git did not track it: {listed(origin['untracked'])}"]
    return [*save, *checkout, *apply, *note, "dvc repro"]
