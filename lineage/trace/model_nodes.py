"""What was learned: weights, those that they began with, and the soft labels that students learn from."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.trace.catalogue import TRAIN, Catalogue, Model
from lineage.trace.project_data import SOFT_LABELS, Evidence
from lineage.trace.provenance_graph import MADE_BY, Link, Node, ids
from models import file_names
from tasks import artifacts


class Weights:
    """``weights:<model>/<selection>``: a trained network in the epoch that was chosen."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return the file with its hashes, the seed and the epoch."""
        model, selection = self._of(name)
        path = f"{model.folder}/{selection}.safetensors"
        file, card = self.evidence.file(path), self.evidence.json(f"{model.folder}/{file_names.CARD}")
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
        """Yield the sets that it learned from and that chose it, soft labels, first weights and what trained it."""
        model, selection = self._of(name)
        if model.soft:
            yield "soft_labels:train", "learned from"
        yield f"set:{model.trained_on}", "learned from"
        yield from ((f"set:{its}", how) for its, how in model.judges(selection).items())
        yield f"initial:{model.initial}", "began with"
        yield f"stage:{model.stage}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the predictions that it made, alone or in the ensemble, and the soft labels."""
        own = f"weights:{name}"
        for model, selection in self.evidence.judged:
            yield from (
                (f"predictions:{model}/{selection}", how)
                for its, how in self.catalogue.behind(model, selection)
                if its == own
            )
        if self.catalogue.labelled:
            yield from (("soft_labels:train", how) for its, how in self.catalogue.behind_soft_labels if its == own)

    def _of(self, name: str) -> tuple[Model, str]:
        model, _, selection = name.rpartition("/")
        return self.catalogue.models[model], selection


class Initial:
    """``initial:<name>``: the weights that a training began with."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return where they were published, and their hash."""
        folder = (artifacts.WEIGHTS / name).as_posix()
        about = self.evidence.json(f"{folder}/{file_names.SOURCE}")
        random = about.get("source") == "none"
        label = f"first weights {name}" + (", random by the seed" if random else "")
        return Node(f"initial:{name}", label, {"path": folder, **about})

    def before(self, name: str) -> Iterator[Link]:
        """Yield what fetched them."""
        yield f"stage:weights@{name}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the models that began with them."""
        models = (model for model in self.catalogue.models.values() if model.initial == name)
        yield from ids("weights", (weights for model in models for weights in model.weights), "began with")


class SoftLabelTable:
    """``soft_labels:train``: the soft labels of the training cycles, from which students learn."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return how they were made, and of which cycles they are."""
        file, members = self.evidence.file(SOFT_LABELS), self.catalogue.members(TRAIN)
        facts = {
            "path": SOFT_LABELS,
            "sha256": file.get("sha256"),
            "content": file.get("content"),
            "settings": dict(self.catalogue.settings),
            "teachers": {
                model.name: {"seed": model.seed, "fold": model.fold or None} for model in self.catalogue.chosen
            },
            "rows": len(members),
        }
        label = f"soft labels of {len(members)} cycles by {len(self.catalogue.chosen)} teachers"
        return Node(f"soft_labels:{name}", label, facts)

    def before(self, _name: str) -> Iterator[Link]:
        """Yield the teachers, the cycles that they labelled, and what combined them."""
        yield from self.catalogue.behind_soft_labels
        yield f"set:{TRAIN}", "labelled"
        yield "stage:soft_labels", MADE_BY

    def after(self, _name: str) -> Iterator[Link]:
        """Yield the students that learned from them."""
        students = (model for model in self.catalogue.students if model.soft)
        yield from ids("weights", (weights for model in students for weights in model.weights), "learned from")
