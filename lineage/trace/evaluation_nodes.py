"""Nodes of the evaluation: predictions, groups of figures, single metrics and reports."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from lineage.corpora import SEPARATOR
from lineage.trace.catalogue import TEST, Catalogue, table_of
from lineage.trace.node_type import NodeType
from lineage.trace.project_data import ProjectData, external_set
from lineage.trace.provenance_graph import MADE_BY, Link, Node, links
from models.metrics import FIGURES
from tasks.artifacts import EXTERNAL_PREDICTIONS, METRICS, PLOTS, PREDICTIONS, REPORTS, CorpusFolders
from tasks.evaluation.words import flagged
from tasks.runtime.words import counted

EVALUATE, REPORT = "evaluate", "report"  # the stages whose reports are nodes


class Predictions(NodeType):
    """``prediction:<model>/<selection>/<cycle_id>``: one prediction."""

    def __init__(self, data: ProjectData, catalogue: Catalogue) -> None:
        super().__init__(data, catalogue)
        self._rows: dict[tuple[str, str, str], dict[str, Any]] = {}

    def node(self, name: str) -> Node:
        """Return the label, the predicted class and the probabilities."""
        model, selection, cycle = name.rsplit("/", 2)
        if (model, selection, cycle) not in self._rows:
            self._rows |= self.data.predictions([cycle])
        row = self._rows[model, selection, cycle]
        path = PREDICTIONS if self.data.corpus_of_cycle(cycle).role == "training" else EXTERNAL_PREDICTIONS
        facts = {"path": str(path), "file_sha256": self.data.file(path).get("sha256"), **row}
        label = f"{model}, {selection}: class {row['predicted']} of {cycle}, labelled {row['label']}"
        return Node(f"prediction:{name}", label, facts, f"{model.partition('/')[0]}, {selection}")

    def before(self, name: str) -> Iterator[Link]:
        """Yield weights, features and the stage."""
        model, selection, cycle = name.rsplit("/", 2)
        yield from self.catalogue.weights_behind(model, selection)
        yield from links("fbank", (f"{one}/{cycle}" for one in self.catalogue.front_ends_of(model)), "its features")
        yield "stage:evaluate", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the figures that count the prediction."""
        model, selection, cycle = name.rsplit("/", 2)
        corpus = self.data.corpus_of_cycle(cycle)
        table = table_of(model, selection, corpus.name if corpus.role == "external" else None)
        own = self.catalogue.tests.get(corpus.name)
        others = set(self.catalogue.tests.values()) - {own}
        groups = self.catalogue.figure_groups.items()
        keys = [key for key, group in groups if table in group.predictions and group.judged_on not in others]
        yield from links("figures", keys, "counted")


class PredictionTable(NodeType):
    """``predictions:<model>/<selection>``: all predictions of a model.

    The predictions on an external corpus are another node: ``predictions:<corpus>:<model>/<selection>``.
    """

    def node(self, name: str) -> Node:
        """Return the number of predictions."""
        corpus, model, selection = self._of(name)
        path = EXTERNAL_PREDICTIONS if corpus else PREDICTIONS
        file, rows = self.data.file(path), len(self.catalogue.members(external_set(corpus.name) if corpus else TEST))
        hashes = {"sha256": file.get("sha256"), "content": file.get("content")}
        facts = {"path": str(path), **hashes, "rows": rows}
        label = f"{rows} predictions of {model}, {selection}"
        group = f"predictions on {corpus.name}" if corpus else "predictions"
        return Node(f"predictions:{name}", f"{label}, on {corpus.name}" if corpus else label, facts, group)

    def before(self, name: str) -> Iterator[Link]:
        """Yield the weights and the stages: features of an external corpus have no other way into the trace."""
        corpus, model, selection = self._of(name)
        yield from self.catalogue.weights_behind(model, selection)
        if corpus is not None:
            front_ends = self.catalogue.front_ends_of(model)
            yield from links("stage", (corpus.stage("fbank", one) for one in front_ends), "made its features")
        yield "stage:evaluate", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the figures that count the predictions."""
        groups = self.catalogue.figure_groups.items()
        yield from links("figures", (key for key, group in groups if name in group.predictions), "counted")

    def _of(self, name: str) -> tuple[CorpusFolders | None, str, str]:
        """Return the external corpus, if it is one, the model and the selection."""
        model, _, selection = name.rpartition("/")
        corpus, _, model = model.rpartition(SEPARATOR)
        return (self.data.corpora[corpus] if corpus else None), model, selection


class Figures(NodeType):
    """``figures:<key>``: the figures that are computed from the same predictions."""

    def node(self, name: str) -> Node:
        """Return the scores among the figures."""
        found = value_at(self.data.json(METRICS), name)
        chosen = {key: found[key] for key in FIGURES if key in found} if isinstance(found, Mapping) else {}
        flag = degenerate_at(self.data.json(METRICS), name)
        facts = {"path": str(METRICS), "sha256": self.data.file(METRICS).get("sha256"), "key": name, "figures": chosen}
        facts |= {"degenerate": flag} if flag else {}
        return Node(f"figures:{name}", flagged(f"figures {name}", flag), facts, "figures")

    def before(self, name: str) -> Iterator[Link]:
        """Yield predictions, test cycles and the stage."""
        group = self.catalogue.figure_groups[name]
        yield from links("predictions", group.predictions, "counted")
        yield f"set:{group.judged_on}", "judged on"
        yield "stage:evaluate", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the reports; a single metric is a node only where it is asked for."""
        yield f"reports:{EVALUATE}", "shown"


class Metrics(NodeType):
    """``metric:<key>``: a single figure, by its dotted key in the metrics."""

    def node(self, name: str) -> Node:
        """Return the value."""
        value = value_at(self.data.json(METRICS), name)
        facts = {"path": str(METRICS), "key": name, "value": value}
        words = f"{name} = {value}" if not isinstance(value, dict | list) else name
        return Node(f"metric:{name}", flagged(words, degenerate_at(self.data.json(METRICS), name)), facts)

    def before(self, name: str) -> Iterator[Link]:
        """Yield the group of figures."""
        yield f"figures:{self.catalogue.figure_group_of(name)}", "is one of them"


class Reports(NodeType):
    """``reports:<stage>``: the files of a stage that show the figures."""

    def node(self, name: str) -> Node:
        """Return the files and their hashes."""
        paths = [path for path in self.data.project.stages[name].outs if path.startswith(f"{REPORTS}/")]
        facts = {"files": {path: self.data.file(path).get("sha256") for path in paths}}
        kinds = dict.fromkeys("plots" if path.startswith(str(PLOTS)) else PurePath(path).name for path in paths)
        return Node(f"reports:{name}", f"{counted(len(paths), 'report')}: {', '.join(kinds)}", facts)

    def before(self, name: str) -> Iterator[Link]:
        """Yield what is shown, and the stage."""
        if name == EVALUATE:
            yield from links("figures", self.catalogue.figure_groups, "shown")
        else:
            yield f"reports:{EVALUATE}", "shown"
        yield f"stage:{name}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the page that shows the figures."""
        if name == EVALUATE:
            yield f"reports:{REPORT}", "shown"


def value_at(metrics: Any, key: str) -> Any:
    """Return the value at a dotted key, or None; names in the key may hold dots themselves."""
    if not key:
        return metrics
    if not isinstance(metrics, Mapping):
        return None
    for name, value in metrics.items():
        if key == name:
            return value
        if key.startswith(f"{name}.") and (found := value_at(value, key[len(name) + 1 :])) is not None:
            return found
    return None


def degenerate_at(metrics: Any, key: str) -> str | None:
    """Return how the model of a figure is degenerate; None if it is not, or if the figure is of no single model."""
    parts = key.split(".")
    for end in range(len(parts), 0, -1):
        found = value_at(metrics, ".".join(parts[:end]))
        if isinstance(found, Mapping) and "degenerate" in found:
            flag: str | None = found["degenerate"]
            return flag
    return None
