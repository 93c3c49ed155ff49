"""Nodes of the learning: trained weights, initial weights and soft labels."""

from collections.abc import Iterator

from lineage.record import path_of
from lineage.trace.catalogue import TRAIN, Model, table_of
from lineage.trace.node_type import NodeType
from lineage.trace.provenance_graph import MADE_BY, Link, Node, links
from models import file_names
from tasks.artifacts import SOFT_LABELS, WEIGHTS
from tasks.runtime.artifact_reading import damaged


class Weights(NodeType):
    """``weights:<model>/<selection>``: a trained network at the epoch of a selection."""

    def node(self, name: str) -> Node:
        """Return the file with its hashes, the seed and the epoch."""
        model, selection = self._of(name)
        path = f"{model.folder}/{selection}.safetensors"
        file, card = self.data.file(path), self.data.json(f"{model.folder}/{file_names.CARD}")
        epoch = card.get("selections", {}).get(selection, {}).get("epoch")
        facts = {
            "path": path,
            "sha256": file.get("sha256"),
            "content": file.get("content"),
            "seed": model.seed,
            "epoch": epoch,
            "selection": selection,
            "architecture": card.get("architecture"),
            "frontend": model.front_end,
            "fold": model.fold or None,
        }
        label = f"{model.name}, {selection}: seed {model.seed}" + (f", epoch {epoch}" if epoch is not None else "")
        return Node(f"weights:{name}", label, facts, f"{model.name.partition('/')[0]}, {selection}")

    def before(self, name: str) -> Iterator[Link]:
        """Yield training set, selection sets, soft labels, initial weights and the stage."""
        model, selection = self._of(name)
        if model.soft:
            yield "soft_labels:train", "learned from"
        yield f"set:{model.trained_on}", "learned from"
        yield from ((f"set:{one}", how) for one, how in model.selection_sets(selection).items())
        yield f"initial:{model.initial}", "began with"
        yield f"stage:{model.stage}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the predictions, of the model or the ensemble, and the soft labels."""
        own = f"weights:{name}"
        for model, selection in self.data.predicted_models:
            behind = self.catalogue.weights_behind(model, selection)
            tables = [table_of(model, selection, tested) for tested in (None, *self.data.tested)]
            yield from ((f"predictions:{table}", how) for table in tables for weights, how in behind if weights == own)
        if self.catalogue.labelled:
            behind = self.catalogue.weights_behind_soft_labels
            yield from (("soft_labels:train", how) for weights, how in behind if weights == own)

    def _of(self, name: str) -> tuple[Model, str]:
        model, _, selection = name.rpartition("/")
        if model not in self.catalogue.models:
            kind, _, item = model.partition("/")
            raise damaged(path_of(f"train_{kind}@{item}"), "the record of the model is missing")
        return self.catalogue.models[model], selection


class Initial(NodeType):
    """``initial:<name>``: initial weights of a training."""

    def node(self, name: str) -> Node:
        """Return source and hash."""
        folder = WEIGHTS / name
        about = self.data.json(folder / file_names.SOURCE)
        random = about.get("source") == "none"
        label = f"first weights {name}" + (", random by the seed" if random else "")
        return Node(f"initial:{name}", label, {"path": str(folder), **about})

    def before(self, name: str) -> Iterator[Link]:
        """Yield the stage."""
        yield f"stage:weights@{name}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the models that began with these weights."""
        models = (model for model in self.catalogue.models.values() if model.initial == name)
        yield from links("weights", (weights for model in models for weights in model.weights), "began with")


class SoftLabelTable(NodeType):
    """``soft_labels:train``: the soft labels of the training cycles, from which students learn."""

    def node(self, name: str) -> Node:
        """Return settings, teachers and the number of cycles."""
        file, members = self.data.file(SOFT_LABELS), self.catalogue.members(TRAIN)
        teachers = self.catalogue.labelling_teachers
        facts = {
            "path": str(SOFT_LABELS),
            "sha256": file.get("sha256"),
            "content": file.get("content"),
            "settings": dict(self.catalogue.settings),
            "teachers": {model.name: {"seed": model.seed, "fold": model.fold or None} for model in teachers},
            "rows": len(members),
        }
        return Node(f"soft_labels:{name}", f"soft labels of {len(members)} cycles by {len(teachers)} teachers", facts)

    def before(self, name: str) -> Iterator[Link]:
        """Yield the teachers, the labelled cycles and the stage."""
        yield from self.catalogue.weights_behind_soft_labels
        yield f"set:{TRAIN}", "labelled"
        yield "stage:soft_labels", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the students that learned from the soft labels."""
        students = (model for model in self.catalogue.students if model.soft)
        yield from links("weights", (weights for model in students for weights in model.weights), "learned from")
