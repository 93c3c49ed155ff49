"""The models of a project as their records describe them, and which teachers label which cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lineage.trace.project_data import Evidence
from lineage.trace.provenance_graph import Link
from models.file_names import CARD
from tasks.artifacts import STUDENTS, TEACHERS
from tasks.runtime import params
from tasks.subsets.splits import Subset

TRAIN, VAL, TEST = "train", "val", "test"


@dataclass(frozen=True)
class Model:
    """A trained network.

    Attributes:
        name: ``student/<seed>`` or ``teacher/<id>``.
        stage: That trained it.
        folder: Where it lies.
        seed: Of initialisation, sampling, augmentation and dropout.
        front_end: That it hears by.
        initial: The weights that it began with.
        selections: How its epochs were chosen.
        soft: Whether it learned from soft labels.
        patience: Epochs without progress on the validation patients before the stop; 0: never.
        held_out: The cycles that it, a teacher of a fold, left out; none for others.
        fold: The name of that fold.
    """

    name: str
    stage: str
    folder: str
    seed: int
    front_end: str
    initial: str
    selections: tuple[str, ...]
    soft: bool
    patience: int
    held_out: frozenset[str] = frozenset()
    fold: str = ""

    @property
    def weights(self) -> list[str]:
        """The names of its states, one a selection."""
        return [f"{self.name}/{selection}" for selection in self.selections]

    @property
    def trained_on(self) -> str:
        """The name of the set of its training cycles."""
        return f"{TRAIN} without {self.fold}" if self.fold else TRAIN

    def judges(self, selection: str) -> dict[str, str]:
        """Return which sets of cycles decided on an epoch, and how."""
        if selection == "paper":
            stopped = {VAL: "ended the training"} if self.patience else {}
            return {TEST: "chose the epoch, as publications do", **stopped}
        return {VAL: "chose the epoch"}


class Catalogue:
    """All models that have records.

    Args:
        evidence: What lies there.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @cached_property
    def models(self) -> dict[str, Model]:
        """By name, in the order of dvc.yaml."""
        stages = (stage for stage in self.evidence.project.stages if stage in self.evidence.project.records)
        found = [self._model(stage) for stage in stages if stage.startswith(("train_teacher@", "train_student@"))]
        return {model.name: model for model in found}

    @property
    def teachers(self) -> list[Model]:
        """Those that soft labels may be made of."""
        return [model for model in self.models.values() if model.name.startswith("teacher/")]

    @property
    def students(self) -> list[Model]:
        """One a seed."""
        return [model for model in self.models.values() if model.name.startswith("student/")]

    @cached_property
    def chosen(self) -> list[Model]:
        """The teachers that label: the first k, or the first k of every fold, in the order in which they are taken."""
        order = self.compared
        taken = []
        for fold in sorted({model.fold for model in order}):
            taken += [model for model in order if model.fold == fold][: int(self.settings["k"])]
        return taken

    @cached_property
    def compared(self) -> list[Model]:
        """The teachers of the wanted exposure, in the order in which they are taken."""
        folded = self.settings["exposure"] == "out_of_fold"
        pool = [model for model in self.teachers if bool(model.fold) == folded]
        pool.sort(key=lambda model: params.natural(model.name))
        return pool if self.settings["choose"] == "first" else sorted(pool, key=self._rank)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """How soft labels are made."""
        settings: Mapping[str, Any] = self.evidence.parameter("soft_labels", "soft_labels")
        return {"k": 1, "choose": "first", "exposure": "in_sample", "combination": "mean", **settings}

    @cached_property
    def labelled(self) -> bool:
        """Whether teachers have labelled anything."""
        return "soft_labels" in self.evidence.project.records and bool(self.chosen)

    @cached_property
    def figures(self) -> dict[str, list[tuple[str, str]]]:
        """The groups of figures in the metrics, and whose predictions each is made of: model and selection."""
        judged = self.evidence.judged
        found: dict[str, list[tuple[str, str]]] = {}
        for model, selection in judged:
            group, _, item = model.partition("/")
            own = f"ensemble.{selection}" if model == "ensemble" else f"{group}s.{item}.{selection}"
            found[own] = [(model, selection)]
            if group == "student":
                found.setdefault(f"student.{selection}", []).append((model, selection))
        for selection in dict.fromkeys(selection for _, selection in judged):
            students = found.get(f"student.{selection}", [])
            teachers = [pair for pair in judged if pair[1] == selection and pair[0].startswith("teacher/")]
            for name, others in (("ensemble", found.get(f"ensemble.{selection}", [])), ("teachers", teachers)):
                if students and others:
                    found[f"student_minus.{selection}.{name}"] = [*students, *others]
        return found | ({"test": []} if found else {})

    def heard(self, model: str) -> list[str]:
        """Return the front ends of a model, or of all members of the ensemble."""
        members = self.chosen if model == "ensemble" else [self.models[model]] if model in self.models else []
        return list(dict.fromkeys(member.front_end for member in members))

    def behind(self, model: str, selection: str) -> list[Link]:
        """Return the weights that the predictions of a model, or of the ensemble, come from."""
        if model != "ensemble":
            return [(f"weights:{model}/{selection}", "predicted")]
        members = [(f"weights:{one.name}/{selection}", "its logits are averaged") for one in self.chosen]
        return self._with_compared(members)

    @cached_property
    def behind_soft_labels(self) -> list[Link]:
        """The weights of teachers that soft labels come from."""
        if self.settings["combination"] == "label_noise":
            return []
        return self._with_compared([(f"weights:{one.name}/val", "labelled") for one in self.chosen])

    def members(self, name: str) -> list[str]:
        """Return the cycles of a set, sorted."""
        subset, _, fold = name.partition(" without ")
        held_out = next((model.held_out for model in self.teachers if fold and model.fold == fold), frozenset())
        found = self.evidence.subsets.items()
        return [cycle for cycle, its in found if its == subset and cycle not in held_out]

    def sets(self) -> list[str]:
        """Return the names of all sets of cycles that something was learned from or judged on."""
        return list(dict.fromkeys([TRAIN, *(model.trained_on for model in self.models.values()), VAL, TEST]))

    def labelling(self, cycle: str) -> list[Model]:
        """Return the teachers that a cycle's soft label was made of."""
        subset: Subset | None = self.evidence.subsets.get(cycle)
        if subset not in (TRAIN, VAL) or self.settings["combination"] == "label_noise":
            return []
        allowed = [model for model in self.chosen if not model.fold or subset == VAL or cycle in model.held_out]
        return allowed[: int(self.settings["k"])]

    def _with_compared(self, members: list[Link]) -> list[Link]:
        """Return links to members and, where the best were taken, to those that stood behind them too."""
        if self.settings["choose"] != "best":
            return members
        others = [f"weights:{one.name}/val" for one in self.compared]
        taken = {name for name, _ in members}
        return [*members, *((name, "its validation Score was compared") for name in others if name not in taken)]

    def _rank(self, model: Model) -> tuple[float, Any]:
        card = self.evidence.json(f"{model.folder}/{CARD}")
        return -float(card["selections"]["val"]["score_strict"]), params.natural(model.name)

    def _model(self, stage: str) -> Model:
        group, _, item = stage.partition("@")
        record = self.evidence.project.records[stage]
        given = record["params"]
        if group == "train_student":
            settings = {
                key.removeprefix("student."): value for key, value in given.items() if key.startswith("student.")
            }
            name, folder, seed = f"student/{item}", f"{STUDENTS.as_posix()}/{item}", int(item)
        else:
            own = given[f"teachers.{item}"]
            settings = params.merge(given["teacher_training"], own.get("override") or {}) | own
            name, folder, seed = f"teacher/{item}", f"{TEACHERS.as_posix()}/{item}", int(own["seed"])
        # Sorted, for what is left out is a list in the record and its reason a sentence about the fold.
        fold = settings.get("fold")
        dropped = record["account"].get("dropped", {}) if fold else {}
        return Model(
            name=name,
            stage=stage,
            folder=folder,
            seed=seed,
            front_end=settings["frontend"],
            initial=settings["weights"],
            selections=tuple(given["selections"]),
            soft=group == "train_student" and settings["objective"]["name"] == "soft_labels",
            patience=int(settings.get("patience", 0)),
            held_out=frozenset(cycle for reason, ids in dropped.items() if reason.startswith("fold ") for cycle in ids),
            fold=f"fold {fold['index']} of {fold['of']}" if fold else "",
        )
