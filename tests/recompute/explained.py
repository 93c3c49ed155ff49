"""Numbers of embeddings and sharpness, from ``reports/explanation.json`` and the tables behind it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from tests.recompute.figures import Expected
from tests.recompute.figures import Recompute as RecomputeFigure
from tests.recompute.html_page import ExpectedTable, Table
from tests.recompute.numbers import Text, exact
from tests.recompute.run import Run
from tests.recompute.tables import Numbers, Recompute, RecomputeText, Row

COLOURINGS = {
    "class": "class_name",
    "device": "device",
    "corpus": "corpus",
    "location": "location",
    "patient": "patient_id",
}
MOST = 1500  # cycles that a projection shows
IN_LEGEND = 6  # values of a colouring with a colour of their own


def of_run(run: Run) -> dict[str, Any]:
    """Return the contents of ``reports/explanation.json``."""
    return json.loads((run.root / "reports/explanation.json").read_bytes())


def with_limits(found: dict[str, float | None], value: str) -> list[float]:
    return [np.nan if found[key] is None else found[key] for key in (value, "low", "high")]


def embeddings(run: Run, table: Table, row: Row) -> Numbers:
    kind, subset = re.match(r"(?:Linear )?(probe|Purity), (test|train)", table.title).groups()
    models = {name: one["val"].get(subset, {}) for name, one in of_run(run)["embeddings"]["models"].items()}
    if row[0] == "chance":
        found = [next(one[name] for one in models.values() if name in one) for name in table.header[1:]]
        return [[one[kind.lower()]["chance"]] for one in found]
    own = models[row[0].removesuffix(" (one embedding for all cycles)")]
    return [with_limits(own[name][kind.lower()], "value") if name in own else [] for name in table.header[1:]]


def separation(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    drawn, measured = [], of_run(run)["embeddings"]["models"][label[1]]["val"]["test"]
    names = [name for name in COLOURINGS if name in measured]
    for row, one in enumerate(measured[name] for name in names):
        drawn.append([(one["probe"]["chance"], row - 0.35), (one["probe"]["chance"], row + 0.35)])
        for kind, height in (("probe", row - 0.13), ("purity", row + 0.13)):
            value, low, high = with_limits(one[kind], "value")
            drawn += [[(low, height), (high, height)]] if np.isfinite(low) else []
            drawn.append([(value, height)])
    percent = Text("percent(?: of cycles, each value weighted alike)?")
    return Expected(drawn, [percent, *map(exact, names)], rounded=False)


def projection(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    """Return the points of each value, those of test cycles behind the others; rare values share one drawing."""
    kind, model, name = label.groups()
    column, x, y = COLOURINGS[name], *(f"{kind.lower().replace('-', '')}_{axis}" for axis in "xy")
    known = embedded(run, model).filter(pl.col(column).is_not_null())
    counts = known.group_by(column).len().sort("len", column, descending=[True, False])[column].to_list()
    values = sorted(counts[:IN_LEGEND])
    parts = [known.filter(~pl.col(column).is_in(values)), *(known.filter(pl.col(column) == one) for one in values)]
    first, second = of_run(run)["embeddings"]["models"][model]["val"]["pca_explained"]
    axes = [Text(r"component 1 \((.*) % of variance\)", [first]), Text(r"component 2 \((.*) %\)", [second])]
    drawn, texts = [], [*(axes if kind == "PCA" else ()), exact(name)]
    rest = len(counts) - len(values)
    names = [Text("(.*) more", [rest]), *(Text(f"\u200b?{re.escape(one)}") for one in values)]
    for text, part in zip(names, parts, strict=True):
        halves = [part.filter((pl.col("subset") == "test") == tested) for tested in (False, True)]
        drawn += [half.select(x, y).rows() for half in halves if half.height]
        texts += [text._replace(line=len(drawn) - 1)] if part.height else []
    return Expected(drawn, texts, rounded=False)


def embedded(run: Run, model: str) -> pl.DataFrame:
    """Return the cycles of a model whose projections are drawn, with the corpus in the names of devices of several."""
    known = pl.read_parquet(run.root / "data/explanation/embeddings.parquet").filter(model=model, selection="val")
    if known["corpus"].n_unique() > 1:
        known = known.with_columns(device=pl.col("corpus") + "/" + pl.col("device"))
    return known[np.linspace(0, known.height - 1, min(MOST, known.height)).round().astype(int)]


def sharpness(run: Run, _: Table, row: Row) -> Numbers:
    one = of_run(run)["sharpness"]["models"][row[0]]
    values = [one[key] for key in ("loss", "eigenvalue", "residual", "products")]
    return [
        run.cards[row[0]]["architecture"],
        one["optimizer"],
        *([] if value is None else [float(f"{value:.3g}")] for value in values),
    ]


def loss_line(run: Run, *_: object) -> Expected:
    models = of_run(run)["sharpness"]["models"]
    lines = [(one["line"]["offsets"], one["line"]["losses"]) for one in models.values()]
    known = [[pair for pair in zip(*line, strict=True) if pair[1] is not None] for line in lines]
    axes = [exact("distance, in norms of the filters"), exact("loss")]
    return Expected(known, [*axes, *(exact(name, at) for at, name in enumerate(models))], rounded=False)


def sample(run: Run, _: re.Match[str]) -> list[float]:
    known = of_run(run)["embeddings"]["sample"]
    return [part[key] for part in known.values() for key in ("cycles", "of")]


def values_of(run: Run, match: re.Match[str]) -> list[float]:
    """Return the numbers of values, of cycles with them and of cycles left out, of each colouring of a table."""
    models = [one["val"].get(match["subset"], {}) for one in of_run(run)["embeddings"]["models"].values()]
    names = re.findall(r"[a-z]+(?= \d)", match["n"])
    found = [next(one[name] for one in models if name in one) for name in names]
    return [one[key] for one in found for key in ("values", "cycles", "left_out")]


def neighbours(run: Run, _: re.Match[str]) -> list[float]:
    return [of_run(run)["embeddings"]["neighbours"]]


def cycles_of_the_loss(run: Run, _: re.Match[str]) -> list[float]:
    return [of_run(run)["sharpness"]["cycles"]]


def embedding_tables(run: Run) -> Iterator[ExpectedTable]:
    models = of_run(run)["embeddings"]["models"]
    flagged = {True: " (one embedding for all cycles)", False: ""}
    names = [name + flagged[bool(one["val"]["constant"])] for name, one in models.items()]
    for title, subset in (("Linear probe, ", "test"), ("Purity, ", "test"), ("Purity, ", "train")):
        columns = [name for name in COLOURINGS if any(name in one["val"].get(subset, {}) for one in models.values())]
        yield ExpectedTable(title + subset, columns, [(name,) for name in (*names, "chance")])


def embedding_figures(run: Run) -> list[str]:
    """Return the text alternatives of the first student, and of the first teacher of each other network."""
    models, first = of_run(run)["embeddings"]["models"], run.first_student
    found, drawn = [f"What {first} separates"] * 2 if models[first]["val"].get("test") else [], {}
    for name in (first, *run.networks):  # teachers before students
        card = run.cards[name]
        drawn.setdefault(json.dumps([card["architecture"], card["options"], card["frontend"]]), name)
    for name in (one for one in drawn.values() if not models[one]["val"]["constant"]):
        known = embedded(run, name)
        several = [one for one, column in COLOURINGS.items() if known[column].drop_nulls().n_unique() > 1]
        for kind, axis, names in (("t-SNE", "tsne_x", tuple(COLOURINGS)), ("PCA", "pca_x", ("class", "device"))):
            if not known[axis].null_count():
                found += [f"{kind} of {name} by {one}" for one in several if one in names]
    return found


def sharpness_tables(run: Run) -> Iterator[ExpectedTable]:
    columns = ["network", "optimizer", "loss", "largest eigenvalue", "residual", "iterations"]
    yield ExpectedTable("The residual", columns, [(name,) for name in of_run(run)["sharpness"]["models"]])


def sharpness_figures(run: Run) -> list[str]:
    return ["loss along a random direction", *(f"loss around {name}" for name in of_run(run)["sharpness"]["models"])]


# As in `others`.
TABLES: tuple[tuple[str, str, Recompute], ...] = (
    ("embeddings", "Linear probe|Purity", embeddings),
    ("sharpness", "", sharpness),
)
FIGURES: tuple[tuple[str, RecomputeFigure], ...] = (
    ("What (.*) separates", separation),
    ("(t-SNE|PCA) of (.*) by (.*)", projection),
    ("loss along a random direction", loss_line),
)
PROSE: tuple[tuple[str, str, RecomputeText], ...] = (
    ("embeddings", r"A random sample of cycles was embedded: (?P<n>.*?)\.", sample),
    ("embeddings", r"purity of (?P<n>\d+) neighbours", neighbours),
    (
        "embeddings",
        r"(?P<kept><h3>[^<]*, (?P<subset>test|train)\w* cycles</h3>(?:(?!<h3>).)*?) left out: (?P<n>.*?)\. Left out",
        values_of,
    ),
    ("sharpness", r"of the loss on (?P<n>\d+) training cycles", cycles_of_the_loss),
)
LOGARITHMIC = ("loss along a random direction",)  # figures with a logarithmic vertical axis
