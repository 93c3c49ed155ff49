"""Stages whose reproduction answers a question: a stage, a model, an artifact or the Score."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from lineage import graph, project
from lineage.project import Project
from lineage.reproduction import comparison
from lineage.reproduction.recorded_run import Evidence, NotReproducibleError, RecordedRun
from lineage.reproduction.run import TRAININGS, Options, Outcome, reproduce
from lineage.trace import revision
from tasks.runtime.errors import BreathlineError

SCORE = "score"
MODELS = {"student/": "train_student@", "teacher/": "train_teacher@"}  # names of `evaluate`, and their stages


@contextmanager
def find(evidence: Evidence, what: str) -> Iterator[list[RecordedRun]]:
    """Yield the recorded runs that a question names, in topological order.

    Args:
        evidence: Project with its cache and event log.
        what: Stage, path of an out, ``student/SEED``, ``teacher/ID``, ``score``, a version such as
            ``student@v1.2.0``, or one of the former in an earlier revision: ``REV:WHAT``.

    Raises:
        BreathlineError: There is no such stage, model or revision, or the stage has no record.
    """
    root = evidence.root
    stages = graph.read(root)
    group, at, _ = what.partition("@")
    if at and what not in stages and any(name.startswith(f"{group}@") for name in stages):
        raise _unknown(stages, what, root)  # a missing item of a group of stages, and no version of a model
    with revision.resolve(root, what) as target:
        found = project.load(target.folder)
        names = _stages(found, target.what)
        if missing := [name for name in names if name not in found.records]:
            what = f"{missing[0]} has no record, so there is nothing to compare with."
            raise BreathlineError(what, where=target.folder, hint=f"`breathline run --target {missing[0]}`")
        yield [RecordedRun(evidence, target.folder, name, found.records[name]) for name in names]


def reproduce_each(runs: Sequence[RecordedRun], options: Options) -> Iterator[Outcome]:
    """Run each stage again from its own recorded inputs, and yield the results.

    Stages of a chain prove each other: each input must be what the record of its maker names.
    """
    records = {run.stage: run.record for run in runs}
    for run in runs:
        try:
            found = reproduce(run, options)
        except NotReproducibleError as error:
            reason = error.what if error.where is None else f"{error.what} ({error.where})"
            yield Outcome(stage=run.stage, verdict="not reproducible", differences=(reason,), hint=error.hint)
            continue
        if torn := [one.what for one in comparison.inputs(run, records)]:
            found = replace(found, verdict="differs", differences=(*found.differences, *torn))
        yield found


def _stages(found: Project, what: str) -> list[str]:
    """Return the stages that a question without a revision names, in topological order."""
    named = set(_named(found, what))
    if not named:
        raise _unknown(found.stages, what, found.root)
    return [name for name in found.order if name in named]


def _named(found: Project, what: str) -> Sequence[str]:
    if what in found.stages:
        return [what]
    if what == SCORE:
        return ["evaluate", "soft_labels", *(name for name in found.stages if name.partition("@")[0] in TRAININGS)]
    if what == "student":  # the model of a version
        return ["export", *(name for name in found.stages if name.startswith("train_student@"))]
    for prefix, stage in MODELS.items():
        if what.startswith(prefix):
            return [name for name in [f"{stage}{what.removeprefix(prefix)}"] if name in found.stages]
    return found.makers(what.rstrip("/"))


def _unknown(stages: Iterable[str], what: str, root: Path) -> BreathlineError:
    """Return the error of a name that is no stage, model or out."""
    close = get_close_matches(what, [*stages, SCORE], n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(close)}?" if close else "name a stage of dvc.yaml, the path of an out, or `score`"
    return BreathlineError(f"No stage makes `{what}`.", where=root / "dvc.yaml", hint=hint)
