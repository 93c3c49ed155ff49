"""Release checks: conditions for a new version of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from flows.graph import Stage, overlap
from flows.plan import plan
from lineage.git import git
from tasks.artifacts import DATA_DOCS_INDEX, VERDICTS
from tasks.runtime.errors import BreathlineError


def check(root: Path, stages: Sequence[Stage]) -> None:
    """Refuse a version that could not be reproduced, or whose validation failed.

    Args:
        root: Folder of the project.
        stages: Graph of the project, in topological order.
    """
    if waiting := [step.stage for step in plan(stages) if step.runs]:
        hint = "`breathline plan` shows the reasons; `breathline run` or `dvc repro` brings them up to date"
        raise BreathlineError("Not all stages are up to date.", where=", ".join(waiting), hint=hint)
    verdict = root / VERDICTS
    if verdict.is_file() and not json.loads(verdict.read_text(encoding="utf-8"))["success"]:
        raise BreathlineError("Validation failed.", where=VERDICTS, hint=f"look into {DATA_DOCS_INDEX}")
    outs = [out for stage in stages for out in stage.outs]
    given = sorted({dep for stage in stages for dep in stage.deps if not overlap(dep, outs)})
    unknown = git(root, "ls-files", "--others", "--exclude-standard", "--", "dvc.yaml", "params.yaml", *given)
    if unknown:
        hint = "`git add` them, or nobody could reproduce the version"
        where = ", ".join(unknown.splitlines())
        raise BreathlineError("Git does not know files that stages depend on.", where=where, hint=hint)
