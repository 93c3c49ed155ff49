"""Numbers of embeddings, maps and sharpness, from ``reports/explanation.json`` and the tables behind it."""

import json
import re
from typing import Any

import numpy as np
import polars as pl

from tests.recompute.figures import Expected
from tests.recompute.figures import Recompute as RecomputeFigure
from tests.recompute.html_page import Table
from tests.recompute.numbers import numbers
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
METHODS = {
    "attention × gradient": "gradient_attention",
    "attention rollout": "attention_rollout",
    "Layer-CAM": "layer_cam",
    "integrated gradients": "integrated_gradients",
}
TESTS = {
    "deletion, less that of a random order": "deletion_minus_random",
    "deletion, less that of the loudest first": "deletion_minus_energy",
    "insertion, less that of a random order": "insertion_minus_random",
    "insertion, less that of the loudest first": "insertion_minus_energy",
    "share of the weight on repeated sound or padding": "outside",
    "share of the clip that is repeated sound or padding": "outside_frames",
    "rank correlation with an untrained network": "correlation_with_untrained",
}


def _explained(run: Run) -> dict[str, Any]:
    return json.loads((run.root / "reports/explanation.json").read_bytes())


def _with_limits(found: dict[str, float | None], value: str) -> list[float]:
    return [np.nan if found[key] is None else found[key] for key in (value, "low", "high")]


def embeddings(run: Run, table: Table, row: Row) -> Numbers:
    kind, subset = re.match(r"(?:Linear )?(probe|Purity), (test|train)", table.title).groups()
    models = {name: one["val"].get(subset, {}) for name, one in _explained(run)["embeddings"]["models"].items()}
    if row[0] == "chance":
        found = [next(one[name] for one in models.values() if name in one) for name in table.header[1:]]
        return [[one[kind.lower()]["chance"]] for one in found]
    own = models[row[0].removesuffix(" (one embedding for all cycles)")]
    return [_with_limits(own[name][kind.lower()], "value") if name in own else [] for name in table.header[1:]]


def separation(run: Run, label: re.Match[str], texts: list[str]) -> Expected:
    drawn, measured = [], _explained(run)["embeddings"]["models"][label[1]]["val"]["test"]
    for row, one in enumerate(measured[name] for name in texts if name in measured):
        drawn.append([(one["probe"]["chance"], row - 0.35), (one["probe"]["chance"], row + 0.35)])
        for kind, height in (("probe", row - 0.13), ("purity", row + 0.13)):
            value, low, high = _with_limits(one[kind], "value")
            drawn += [[(low, height), (high, height)]] if np.isfinite(low) else []
            drawn.append([(value, height)])
    return Expected(drawn, {}, rounded=False)


def projection(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    """Return the points of each value, those of test cycles behind the others; rare values share one drawing."""
    kind, model, name = label.groups()
    column, x, y = COLOURINGS[name], *(f"{kind.lower().replace('-', '')}_{axis}" for axis in "xy")
    known = pl.read_parquet(run.root / "data/explanation/embeddings.parquet").filter(model=model, selection="val")
    if known["corpus"].n_unique() > 1:
        known = known.with_columns(device=pl.col("corpus") + "/" + pl.col("device"))
    known = known[np.linspace(0, known.height - 1, min(MOST, known.height)).round().astype(int)]
    known = known.filter(pl.col(column).is_not_null())
    counts = known.group_by(column).len().sort("len", column, descending=[True, False])[column].to_list()
    values = sorted(counts[:IN_LEGEND])
    parts = [known.filter(~pl.col(column).is_in(values)), *(known.filter(pl.col(column) == one) for one in values)]
    halves = [part.filter((pl.col("subset") == "test") == tested) for part in parts for tested in (False, True)]
    first, second = _explained(run)["embeddings"]["models"][model]["val"]["pca_explained"]
    texts = {f"{len(counts) - IN_LEGEND} more": [len(counts) - IN_LEGEND], **{one: numbers(one) for one in values}}
    texts |= {"component 1 (": [first], "component 2 (": [second]}
    return Expected([half.select(x, y).rows() for half in halves if half.height], texts, rounded=False)


def maps(run: Run, table: Table, row: Row) -> Numbers:
    methods = _explained(run)["maps"]["models"][table.title.partition(":")[0]]["methods"]
    return [_with_limits(methods[METHODS[name]][TESTS[row[0]]], "mean") for name in table.header[1:]]


def map_curves(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    orders = _explained(run)["maps"]["models"][label[2]]["orders"]
    curves = [orders[name][label[1]]["curve"] for name in (*METHODS.values(), "random", "energy") if name in orders]
    return Expected([list(zip(np.linspace(0, 1, len(one)), one, strict=True)) for one in curves], {}, rounded=False)


def sharpness(run: Run, _: Table, row: Row) -> Numbers:
    one = _explained(run)["sharpness"]["models"][row[0]]
    values = [one[key] for key in ("loss", "eigenvalue", "residual", "products")]
    network = numbers(run.cards[row[0]]["architecture"])
    return [network, [], *([] if value is None else [float(f"{value:.3g}")] for value in values)]


def loss_line(run: Run, *_: object) -> Expected:
    models = _explained(run)["sharpness"]["models"]
    lines = [(one["line"]["offsets"], one["line"]["losses"]) for one in models.values()]
    known = [[pair for pair in zip(*line, strict=True) if pair[1] is not None] for line in lines]
    return Expected(known, {name: numbers(name) for name in models}, rounded=False)


def sample(run: Run, _: re.Match[str]) -> list[float]:
    known = _explained(run)["embeddings"]["sample"]
    return [part[key] for part in known.values() for key in ("cycles", "of")]


def values_of(run: Run, match: re.Match[str]) -> list[float]:
    """Return the numbers of values, of cycles with them and of cycles left out, of each colouring of a table."""
    models = [one["val"].get(match["subset"], {}) for one in _explained(run)["embeddings"]["models"].values()]
    names = re.findall(r"[a-z]+(?= \d)", match["n"])
    found = [next(one[name] for one in models if name in one) for name in names]
    return [one[key] for one in found for key in ("values", "cycles", "left_out")]


def neighbours(run: Run, _: re.Match[str]) -> list[float]:
    return [_explained(run)["embeddings"]["neighbours"]]


def completeness(run: Run, match: re.Match[str]) -> list[float]:
    methods = _explained(run)["maps"]["models"][match["model"]]["methods"]
    return [100 * methods["integrated_gradients"]["completeness_gap"]]


def duration(run: Run, match: re.Match[str]) -> list[float]:
    return [pl.read_parquet(run.root / "data/cycles/cycles.parquet").filter(cycle_id=match["cycle"])["duration_s"][0]]


def cycles_of_the_loss(run: Run, _: re.Match[str]) -> list[float]:
    return [_explained(run)["sharpness"]["cycles"]]


# As in `others`.
TABLES: tuple[tuple[str, str, Recompute], ...] = (
    ("embeddings", "Linear probe|Purity", embeddings),
    ("maps", ".*: tests of its maps", maps),
    ("sharpness", "", sharpness),
)
FIGURES: tuple[tuple[str, RecomputeFigure], ...] = (
    ("What (.*) separates", separation),
    ("(t-SNE|PCA) of (.*) by (.*)", projection),
    ("(deletion|insertion) curves of (.*)", map_curves),
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
    ("maps", r"(?P<kept><h3>(?P<model>[^<:]*): tests(?:(?!<h3>).)*?)median error is (?P<n>[\d.]+)%", completeness),
    ("maps", r"(?P<kept><h3>[^<:]*: (?P<cycle>[^<]*)</h3>(?:(?!<h3>).)*?)Cycle of (?P<n>[\d.]+) s", duration),
    ("sharpness", r"of the loss on (?P<n>\d+) training cycles", cycles_of_the_loss),
)
LOGARITHMIC = ("loss along a random direction",)  # figures with a logarithmic vertical axis
