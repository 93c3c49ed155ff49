"""Folds of the training patients, for soft labels by teachers that did not train on the patient."""

from dataclasses import replace

import numpy as np

from tasks.runtime.errors import BreathlineError
from tasks.subsets.assignment import Assignment
from tasks.subsets.patients import number
from tasks.subsets.settings import FoldSettings


def members(assignment: Assignment, fold: FoldSettings) -> set[str]:
    """Return the training cycles of a fold: whole patients, stratified by class.

    The folds depend on the assignment alone, so that each stage computes the same ones.

    Args:
        assignment: Labels and subsets of the cycles.
        fold: Index of the fold, and number of folds.

    Raises:
        BreathlineError: There are fewer training patients than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # 1 s, which trainings without folds do not need

    cycles = assignment.cycles("train")
    people, patients = number([assignment.patients[cycle] for cycle in cycles])
    labels = np.array([assignment.targets[cycle] for cycle in cycles])
    if len(people) < fold.of:
        what = f"{len(people)} training patients cannot be divided into {fold.of} folds."
        raise BreathlineError(what, where="params.yaml: teachers, fold.of", hint="use fewer folds")
    splitter = StratifiedGroupKFold(fold.of, shuffle=True, random_state=0)
    parts = [part for _, part in splitter.split(cycles, labels, patients)]
    return {cycles[position] for position in parts[fold.index]}


def without(assignment: Assignment, fold: FoldSettings) -> Assignment:
    """Return an assignment without the training cycles of a fold; validation and test stay unchanged.

    Raises:
        BreathlineError: See `members`.
    """
    left_out = members(assignment, fold)
    return replace(
        assignment, subsets={cycle: part for cycle, part in assignment.subsets.items() if cycle not in left_out}
    )
