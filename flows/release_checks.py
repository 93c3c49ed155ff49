"""Whether the project as it stands is fit to become a version of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from flows.git_commits import git
from flows.graph import Stage
from flows.plan import plan
from tasks.runtime.errors import BreathlineError

VERDICT = "data/validation/results.json"


def check(root: Path, stages: Sequence[Stage]) -> None:
    """Refuse what could not be made again, or should not be.

    Args:
        root: The project.
        stages: Its graph, in topological order.

    Raises:
        BreathlineError: A stage is not up to date, validation failed, or Git does not know what stages depend on.
    """
    if waiting := [step.stage for step in plan(stages) if step.runs]:
        hint = "`breathline plan` tells why; `breathline run` or `dvc repro` brings them up to date"
        raise BreathlineError("Not all stages are up to date.", where=", ".join(waiting), hint=hint)
    verdict = root / VERDICT
    if verdict.is_file() and not json.loads(verdict.read_text(encoding="utf-8"))["success"]:
        raise BreathlineError("Validation failed.", where=VERDICT, hint="look into reports/data_docs/index.html")
    given = sorted({dep for stage in stages for dep in stage.deps if not _is_made(dep, stages)})
    unknown = git(root, "ls-files", "--others", "--exclude-standard", "--", "dvc.yaml", "params.yaml", *given)
    if unknown:
        hint = "`git add` them, or the version could not be made again"
        where = ", ".join(unknown.splitlines())
        raise BreathlineError("Git does not know files that stages depend on.", where=where, hint=hint)


def _is_made(dep: str, stages: Sequence[Stage]) -> bool:
    path = PurePosixPath(dep)
    return any(
        path.is_relative_to(out) or PurePosixPath(out).is_relative_to(path) for stage in stages for out in stage.outs
    )
