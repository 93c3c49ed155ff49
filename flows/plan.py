"""Plan of a run: the stages that run, and the reasons, as a pure function of the graph and its status."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.graph import Change, Stage, overlap
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True)
class Step:
    """Planned action for one stage.

    Attributes:
        stage: Name of the stage, as DVC knows it.
        runs: Whether `dvc repro` is called for it. A stage without changes of its own stays up to date if its upstream
            stages make equal outs.
        reasons: Reasons for the run; empty if the stage is up to date.
        after: Upstream stages in the plan that run before it.
        force: Whether the stage runs without any change, too.
        gpu: Whether the stage uses a GPU if the machine has one.
    """

    stage: str
    runs: bool
    reasons: tuple[str, ...]
    upstream: tuple[str, ...]
    force: bool = False
    gpu: bool = False


def plan(stages: Sequence[Stage], *, targets: Iterable[str] = (), force: Iterable[str] = ()) -> tuple[Step, ...]:
    """Return a step for each stage, in topological order.

    Args:
        stages: The graph, in topological order.
        targets: Last stages of the plan; only they and their upstream stages are in it. All stages, if empty.
        force: Stages that run even if they are up to date. The name of a group (`train_teacher`) means all its items.
    """
    wanted = expand(stages, targets) or {stage.name for stage in stages}
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted.update(stage.upstream)
    forced = expand(stages, force)
    steps: dict[str, Step] = {}
    outs: dict[str, tuple[str, ...]] = {}
    for stage in stages:
        if stage.name not in wanted:
            continue
        before = tuple(name for name in stage.upstream if steps[name].runs)
        made = [out for name in before for out in outs[name]]
        # If an upstream stage writes a dep again, its current state does not matter.
        own = [change for change in stage.changes if not (change.kind == "dep" and overlap(change.name, made))]
        reasons = [_reason(change) for change in own]
        if stage.name in forced:
            reasons.insert(0, "forced")
        if before:
            reasons.append(f"upstream {', '.join(before)} run{'' if len(before) > 1 else 's'}")
        steps[stage.name] = Step(stage.name, bool(reasons), tuple(reasons), before, stage.name in forced, stage.gpu)
        outs[stage.name] = stage.outs
    return tuple(steps.values())


def _reason(change: Change) -> str:
    if change.kind == "stage":
        return change.state
    if change.kind == "command":
        return "command modified"
    return f"{change.kind} {change.name}: {change.state}"


def check_split(root: Path, steps: Sequence[Step]) -> None:
    """Check the split of params.yaml against the extracted cycles, if they are up to date and a later stage runs.

    Raises:
        BreathlineError: The split has no training cycles or no test cycles.
    """
    if any(step.stage == "pool" and not step.runs for step in steps) and any(step.runs for step in steps):
        from tasks.parameters import judge  # with the settings of all stages

        judge.check_split(root)


def expand(stages: Sequence[Stage], names: Iterable[str]) -> set[str]:
    """Return the stages of some names; the name of a group (`train_teacher`) means all its items."""
    found: set[str] = set()
    for name in names:
        matching = {stage.name for stage in stages if stage.name == name or stage.name.startswith(f"{name}@")}
        if not matching:
            known = ", ".join(stage.name for stage in stages)
            raise BreathlineError(f"There is no stage `{name}`.", where="dvc.yaml", hint=f"one of: {known}")
        found |= matching
    return found
