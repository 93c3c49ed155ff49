"""What is said of the test cycles: predictions, figures, a single metric, and the reports that show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.trace.catalogue import TEST, Catalogue
from lineage.trace.project_data import METRICS, PREDICTIONS, Evidence
from lineage.trace.provenance_graph import MADE_BY, Link, Node, ids

FIGURES = ("score_strict", "score_lenient", "sp", "se_strict", "se_lenient")


class Predictions:
    """``prediction:<model>/<selection>/<cycle_id>``: one row."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue
        self._rows: dict[tuple[str, str, str], dict[str, Any]] = {}

    def node(self, name: str) -> Node:
        """Return the row: label, predicted class and probabilities."""
        model, selection, cycle = name.rsplit("/", 2)
        if (model, selection, cycle) not in self._rows:
            self._rows |= self.evidence.predictions([cycle])
        row = self._rows[model, selection, cycle]
        facts = {"path": PREDICTIONS, "file_sha256": self.evidence.file(PREDICTIONS).get("sha256"), **row}
        label = f"{model}, {selection}: class {row['predicted']} of {cycle}, labelled {row['label']}"
        return Node(f"prediction:{name}", label, facts, f"{model.partition('/')[0]}, {selection}")

    def before(self, name: str) -> Iterator[Link]:
        """Yield weights and features."""
        model, selection, cycle = name.rsplit("/", 2)
        yield from self.catalogue.behind(model, selection)
        yield from ids("fbank", (f"{front_end}/{cycle}" for front_end in self.catalogue.heard(model)), "was heard")
        yield "stage:evaluate", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the figures that count it."""
        model, selection, _ = name.rsplit("/", 2)
        yield from ids("figures", _counting(self.catalogue, model, selection), "counted")


class PredictionTable:
    """``predictions:<model>/<selection>``: all that a model says of the test cycles."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return how many there are."""
        file, rows = self.evidence.file(PREDICTIONS), len(self.catalogue.members(TEST))
        facts = {"path": PREDICTIONS, "sha256": file.get("sha256"), "content": file.get("content"), "rows": rows}
        model, _, selection = name.rpartition("/")
        return Node(f"predictions:{name}", f"{rows} predictions of {model}, {selection}", facts, "predictions")

    def before(self, name: str) -> Iterator[Link]:
        """Yield the weights."""
        model, _, selection = name.rpartition("/")
        yield from self.catalogue.behind(model, selection)
        yield "stage:evaluate", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the figures that count them."""
        model, _, selection = name.rpartition("/")
        yield from ids("figures", _counting(self.catalogue, model, selection), "counted")


class Figures:
    """``figures:<key>``: the part of the metrics that is made of the same predictions."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return the most important of its figures."""
        found = at(self.evidence.json(METRICS), name)
        chosen = {key: found[key] for key in FIGURES if key in found} if isinstance(found, Mapping) else {}
        file = self.evidence.file(METRICS)
        facts = {"path": METRICS, "sha256": file.get("sha256"), "key": name, "figures": chosen}
        return Node(f"figures:{name}", f"figures {name}", facts, "figures")

    def before(self, name: str) -> Iterator[Link]:
        """Yield predictions and test cycles."""
        yield from ids("predictions", (f"{model}/{its}" for model, its in self.catalogue.figures[name]), "counted")
        yield f"set:{TEST}", "judged on"
        yield "stage:evaluate", MADE_BY

    def after(self, _name: str) -> Iterator[Link]:
        """Yield the reports; a single metric is shown only where it is asked for."""
        yield "reports:evaluate", "shown"


class Metrics:
    """``metric:<key>``: a single figure, by its dotted key in the metrics."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return its value."""
        value = at(self.evidence.json(METRICS), name)
        facts = {"path": METRICS, "key": name, "value": value}
        return Node(f"metric:{name}", f"{name} = {value}" if not isinstance(value, dict | list) else name, facts)

    def before(self, name: str) -> Iterator[Link]:
        """Yield the figures that it is one of."""
        yield f"figures:{self.group(name)}", "is one of them"

    def after(self, _name: str) -> Iterator[Link]:
        """Yield nothing: it is an end."""
        yield from ()

    def group(self, name: str) -> str:
        """Return the longest key of figures that a metric lies under; what names no model concerns the test cycles."""
        groups = (key for key in self.catalogue.figures if f"{name}.".startswith(f"{key}."))
        return max(groups, key=len, default="test")


class Reports:
    """``reports:evaluate``: the files that show the figures."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return the files."""
        stage = self.evidence.project.stages["evaluate"]
        paths = [path for path in stage.outs if path.startswith("reports/")]
        facts = {"files": {path: self.evidence.file(path).get("sha256") for path in paths}}
        return Node(f"reports:{name}", f"{len(paths)} reports: metrics.json, report.html, plots", facts)

    def before(self, _name: str) -> Iterator[Link]:
        """Yield all figures."""
        yield from ids("figures", self.catalogue.figures, "shown")
        yield "stage:evaluate", MADE_BY

    def after(self, _name: str) -> Iterator[Link]:
        """Yield nothing: they are an end."""
        yield from ()


def at(metrics: Any, key: str) -> Any:
    """Return what stands at a dotted key, or none; parts of names may hold dots themselves."""
    if not key:
        return metrics
    if not isinstance(metrics, Mapping):
        return None
    for name, value in metrics.items():
        if key == name:
            return value
        if key.startswith(f"{name}.") and (found := at(value, key[len(name) + 1 :])) is not None:
            return found
    return None


def keys(metrics: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of all single figures."""
    for name, value in metrics.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, Mapping):
            yield from keys(value, key)
        else:
            yield key


def _counting(catalogue: Catalogue, model: str, selection: str) -> list[str]:
    return [key for key, pairs in catalogue.figures.items() if (model, selection) in pairs]
