"""Decisions of the small project's stages, by the functions of the stages themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks import evaluate
from tasks.distillation import labelling
from tasks.distillation.soft_labels import SoftLabelSettings
from tasks.runtime import corpus_facts, params
from tasks.subsets import assignment, folds
from tasks.training import student, teachers
from tasks.training.decisions import decisions


def decide(root: Path, read: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return the decisions of a stage; empty for stages that decide nothing."""
    group, _, item = stage.partition("@")
    if group not in ("train_teacher", "train_student", "soft_labels", "evaluate"):
        return {}
    whole, folder = assignment.from_params(read, root / "data/cycles/cycles.parquet"), root / "data/teachers"
    if group == "train_teacher":
        settings, training = teachers.parse(read, item)
        assigned = folds.without(whole, settings.fold) if settings.fold else whole
        held_out = [cycle for cycle in whole.subsets if cycle not in assigned.subsets]
        given = {"seed": settings.seed, "selections": read["selections"]}
        return decisions(settings.network(), training, assigned, **given, fold=settings.fold, held_out=held_out)
    if group == "train_student":
        network, training = student.parse(read["student"])
        return decisions(network, training, whole, seed=int(item), selections=read["selections"])
    known = teachers.read(read)
    choice = params.parse(SoftLabelSettings, read["soft_labels"], "soft_labels")
    if group == "soft_labels":
        return labelling.decide(known, choice, whole, folder)
    classes = corpus_facts.read(root / corpus_facts.FOLDER).label_sets[read["labels"]].classes
    return evaluate.decide(known, choice, whole, folder, classes)
