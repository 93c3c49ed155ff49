"""Catalogue of the trained models, from the decisions in the records."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lineage.corpora import SEPARATOR
from lineage.trace.project_data import ProjectData, external_set
from lineage.trace.provenance_graph import Link
from tasks.artifacts import METRICS, NATIVE_PREDICTIONS, PREDICTIONS, STUDENTS, TEACHERS
from tasks.runtime.artifact_reading import damaged
from tasks.runtime.errors import BreathlineError

TRAIN, VAL, TEST = "train", "val", "test"
ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Model:
    """A trained network."""

    name: str  # ``student/<seed>`` or ``teacher/<id>``
    stage: str  # stage that trained the network
    folder: str  # folder of the network
    seed: int  # random seed of initialisation, sampling, augmentation and dropout
    front_end: str  # front end of the features
    initial: str  # name of the initial weights
    epoch_chosen_on: Mapping[str, str]  # subset on which the epoch of each selection was chosen
    stopped_on: str | None  # subset that ended the training early; None without early stopping
    soft: bool  # whether the training used soft labels
    held_out: frozenset[str] = frozenset()  # training cycles of the fold that a teacher leaves out
    fold: str = ""  # name of this fold; empty for other models

    @property
    def weights(self) -> list[str]:
        """The names of the network's states, one for each selection."""
        return [f"{self.name}/{selection}" for selection in self.epoch_chosen_on]

    @property
    def trained_on(self) -> str:
        """The name of the set of training cycles."""
        return f"{TRAIN} without {self.fold}" if self.fold else TRAIN

    def selection_sets(self, selection: str) -> dict[str, str]:
        """Return the sets of cycles that decided on the epoch of a selection, and their roles."""
        chosen_on = self.epoch_chosen_on[selection]
        if chosen_on == VAL:
            return {VAL: "chose the epoch"}
        stopped = {self.stopped_on: "ended the training"} if self.stopped_on else {}
        return {chosen_on: "chose the epoch, as publications do", **stopped}


@dataclass(frozen=True)
class FigureGroup:
    """Figures that are computed from the same predictions."""

    predictions: tuple[str, ...]  # names of the nodes of the predictions
    judged_on: str  # name of the set of cycles


class Catalogue:
    """All models that have records."""

    def __init__(self, data: ProjectData) -> None:
        self.data = data

    @cached_property
    def models(self) -> dict[str, Model]:
        """The models by name, in the order of dvc.yaml."""
        records = self.data.project.records
        stages = [stage for stage in self.data.project.stages if stage in records]
        found = [self._model(stage) for stage in stages if stage.startswith(("train_teacher@", "train_student@"))]
        return {model.name: model for model in found}

    @property
    def teachers(self) -> list[Model]:
        """The teachers, of which soft labels can be made."""
        return [model for model in self.models.values() if model.name.startswith("teacher/")]

    @property
    def students(self) -> list[Model]:
        """The students, one for each seed."""
        return [model for model in self.models.values() if model.name.startswith("student/")]

    @cached_property
    def labelling_teachers(self) -> list[Model]:
        """The teachers that were chosen to label, in the order in which they were taken."""
        return self._named(self.data.decision("soft_labels", "teachers"))

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the soft labels."""
        settings: Mapping[str, Any] = self.data.parameter("soft_labels", "soft_labels")
        return {"k": 1, "choose": "first", "exposure": "in_sample", "combination": "mean", **settings}

    @cached_property
    def labelled(self) -> bool:
        """True if teachers have labelled cycles."""
        return bool(self.labelling_teachers)

    @cached_property
    def figure_groups(self) -> dict[str, FigureGroup]:
        """The groups of figures in the metrics by key: of all training corpora, of each, and of each external one."""
        models = self._figures_of_models
        found = {key: FigureGroup(_tables(pairs), TEST) for key, pairs in models.items()}
        for name, one in self.tests.items():
            for key, pairs in models.items():
                found[f"corpora.{name}.{key}"] = FigureGroup(_tables(pairs), one)
        for name in self.data.tested:
            for key, pairs in models.items():
                found[f"external.{name}.{key}"] = FigureGroup(_tables(pairs, name), external_set(name))
        return found

    def figure_group_of(self, key: str) -> str:
        """Return the key of the group of a figure: the longest, or that of the test cycles for no model's figure."""
        groups = [group for group in self.figure_groups if f"{key}.".startswith(f"{group}.")]
        if groups:
            return max(groups, key=len)
        section, _, rest = key.partition(".")
        if section == "native":
            raise BreathlineError(
                "Figures in the own classes of a corpus have no trace.",
                where=f"metric:{key}",
                hint=f"their rows are in {NATIVE_PREDICTIONS}; ask for `row:` or `recording:` of one of them",
            )
        own = next((name for name in self.data.corpora if f"{rest}.".startswith(f"{name}.")), None)
        group = f"{section}.{own}.{TEST}" if section in ("corpora", "external") and own else TEST
        if group not in self.figure_groups:
            raise damaged(PREDICTIONS, "the predictions behind the figures are missing")
        return group

    @cached_property
    def tests(self) -> dict[str, str]:
        """The set of test cycles of each training corpus by its name; empty if there is only one corpus."""
        names = [corpus.name for corpus in self.data.training]
        return {name: f"{TEST} of {name}" for name in names} if len(names) > 1 else {}

    @cached_property
    def _figures_of_models(self) -> dict[str, list[tuple[str, str]]]:
        """The model and selection of the predictions behind each group of figures, by its key."""
        predicted = self.data.predicted_models
        found: dict[str, list[tuple[str, str]]] = {}
        for model, selection in predicted:
            group, _, item = model.partition("/")
            own = f"{ENSEMBLE}.{selection}" if model == ENSEMBLE else f"{group}s.{item}.{selection}"
            found[own] = [(model, selection)]
            if group == "student":
                found.setdefault(f"student.{selection}", []).append((model, selection))
        for selection in dict.fromkeys(selection for _, selection in predicted):
            students = found.get(f"student.{selection}", [])
            members = self.data.decision("evaluate", ENSEMBLE)
            labelling = [pair for pair in predicted if pair[1] == selection and pair[0] in members]
            baselines = [pair for pair in predicted if pair[1] == selection and pair[0] in self._baselines]
            sides = {ENSEMBLE: found.get(f"{ENSEMBLE}.{selection}", []), "teachers": labelling, "baselines": baselines}
            for name, others in sides.items():
                if students and others:
                    found[f"student_minus.{selection}.{name}"] = [*students, *others]
        return found | ({"test": []} if found else {})

    @cached_property
    def _baselines(self) -> list[str]:
        """Names ``teacher/<id>`` of the baselines, as `evaluate` wrote them beside the figures."""
        return [f"teacher/{name}" for name in self.data.json(METRICS).get("baselines", [])]

    def front_ends_of(self, model: str) -> list[str]:
        """Return the front ends of a model, or of all members of the ensemble."""
        names = self.data.decision("evaluate", ENSEMBLE) if model == ENSEMBLE else [model]
        return list(dict.fromkeys(member.front_end for member in self._named(names)))

    def weights_behind(self, model: str, selection: str) -> list[Link]:
        """Return links to the weights that gave the predictions of a model, or of the ensemble."""
        if model != ENSEMBLE:
            return [(f"weights:{model}/{selection}", "predicted")]
        members = self.data.decision("evaluate", ENSEMBLE)
        links = [(f"weights:{name}/{selection}", "its logits are averaged") for name in members]
        return _with_compared(links, self.data.decision("evaluate", "compared"))

    @cached_property
    def weights_behind_soft_labels(self) -> list[Link]:
        """Links to the weights of teachers that gave soft labels."""
        names = dict.fromkeys(name for teachers in self._labelled_by.values() for name in teachers)
        if not names:
            return []
        links = [(f"weights:{model.name}/val", "labelled") for model in self.labelling_teachers if model.name in names]
        return _with_compared(links, self.data.decision("soft_labels", "compared"))

    def members(self, name: str) -> list[str]:
        """Return the sorted cycles of a set."""
        corpus = next((corpus for corpus, test in self.tests.items() if test == name), None)
        if corpus is not None:
            corpora = self.data.cycles.values_of("corpus")
            return [cycle for cycle in self.members(TEST) if corpora[cycle] == corpus]
        subset, _, fold = name.partition(" without ")
        held_out = next((model.held_out for model in self.teachers if fold and model.fold == fold), frozenset())
        found = self.data.subsets.items()
        return [cycle for cycle, its in found if its == subset and cycle not in held_out]

    def sets(self) -> list[str]:
        """Return the names of all sets of cycles that models learn from, or that choose epochs or test."""
        external = map(external_set, self.data.tested)
        learned = (model.trained_on for model in self.models.values())
        return list(dict.fromkeys([TRAIN, *learned, VAL, TEST, *self.tests.values(), *external]))

    def labellers_of(self, cycle: str) -> list[Model]:
        """Return the teachers that gave the soft label of a cycle."""
        return self._named(self._labelled_by.get(cycle, ()))

    @cached_property
    def _labelled_by(self) -> dict[str, list[str]]:
        """The names of the teachers that label a cycle, by cycle."""
        groups = self.data.decision("soft_labels", "labelled_by")
        return {cycle: group["teachers"] for group in groups for cycle in group["cycles"]}

    def _named(self, names: Any) -> list[Model]:
        return [self.models[name] for name in names if name in self.models]

    def _model(self, stage: str) -> Model:
        group, _, item = stage.partition("@")
        teacher = group == "train_teacher"
        decided = self.data.decisions(stage)
        fold = decided["fold"]
        return Model(
            name=f"teacher/{item}" if teacher else f"student/{item}",
            stage=stage,
            folder=str((TEACHERS if teacher else STUDENTS) / item),
            seed=decided["seed"],
            front_end=decided["network"]["frontend"],
            initial=decided["network"]["weights"],
            epoch_chosen_on=decided["epoch_chosen_on"],
            stopped_on=decided["stopped_on"],
            soft=decided["soft_labels"],
            held_out=frozenset(decided["held_out"]),
            fold=f"fold {fold['index']} of {fold['of']}" if fold else "",
        )


def table_of(model: str, selection: str, tested: str | None = None) -> str:
    """Return the name of the node of a model's predictions, on an external corpus if one is given."""
    return f"{tested}{SEPARATOR}{model}/{selection}" if tested else f"{model}/{selection}"


def _tables(pairs: list[tuple[str, str]], tested: str | None = None) -> tuple[str, ...]:
    return tuple(table_of(model, selection, tested) for model, selection in pairs)


def _with_compared(members: list[Link], compared: list[str]) -> list[Link]:
    """Return links to members, and to the teachers that were compared with them and not taken."""
    taken = {name for name, _ in members}
    others = (f"weights:{name}/val" for name in compared)
    return [*members, *((name, "its validation Score was compared") for name in others if name not in taken)]
