"""Which stages run, and why: a pure function of the graph and its status."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from flows.graph import Change, Stage
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True)
class Step:
    """What happens to a stage.

    Attributes:
        stage: Its name, as DVC knows it.
        runs: Whether `dvc repro` has to look at it; without changes of its own it still ends up to date if what comes
            from upstream turns out to be the same.
        reasons: Why, in words; empty where it does not run.
        after: The upstream stages in the plan that run before it.
        force: Whether it runs even where nothing has changed.
        gpu: Whether it uses a GPU where there is one.
    """

    stage: str
    runs: bool
    reasons: tuple[str, ...]
    after: tuple[str, ...]
    force: bool = False
    gpu: bool = False


def plan(stages: Sequence[Stage], *, targets: Iterable[str] = (), force: Iterable[str] = ()) -> tuple[Step, ...]:
    """Return a step for each stage, in topological order.

    Args:
        stages: The graph, in topological order.
        targets: Stages to stop at: only they and what they depend on are in the plan. All, if empty.
        force: Stages that run in any case. The name of a group (`train_teacher`) stands for all its items.

    Raises:
        BreathlineError: A name is no stage; the error lists those there are.
    """
    wanted = _upstream(stages, expand(stages, targets)) if (targets := tuple(targets)) else {s.name for s in stages}
    forced = expand(stages, force)
    steps: dict[str, Step] = {}
    outs: dict[str, tuple[str, ...]] = {}
    for stage in stages:
        if stage.name not in wanted:
            continue
        before = tuple(name for name in stage.after if steps[name].runs)
        made = [out for name in before for out in outs[name]]
        reasons = [_reason(change) for change in stage.changes if not (change.kind == "dep" and _is_made(change, made))]
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


def _is_made(change: Change, made: Collection[str]) -> bool:
    """Whether a dep is made by an upstream stage that runs, so that its present state says nothing."""
    dep = PurePosixPath(change.name)
    return any(dep.is_relative_to(out) or PurePosixPath(out).is_relative_to(dep) for out in made)


def expand(stages: Sequence[Stage], names: Iterable[str]) -> set[str]:
    """Return the stages of some names; the name of a group (`train_teacher`) stands for all its items.

    Raises:
        BreathlineError: A name is no stage; the error lists those there are.
    """
    found: set[str] = set()
    for name in names:
        matching = {stage.name for stage in stages if stage.name == name or stage.name.startswith(f"{name}@")}
        if not matching:
            known = ", ".join(stage.name for stage in stages)
            raise BreathlineError(f"There is no stage `{name}`.", where="dvc.yaml", hint=f"one of: {known}")
        found |= matching
    return found


def _upstream(stages: Sequence[Stage], names: Iterable[str]) -> set[str]:
    wanted = set(names)
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted.update(stage.after)
    return wanted
