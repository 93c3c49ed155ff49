"""Numbers of the report that do not follow from predictions, from the files that hold them."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl

from tests.recompute.figures import ANY, Expected
from tests.recompute.figures import Recompute as RecomputeFigure
from tests.recompute.html_page import Table
from tests.recompute.numbers import numbers
from tests.recompute.run import Run
from tests.recompute.tables import Numbers, Recompute, Row

MOST_FAILING = 12  # expectations that are listed for a corpus
MOST = 200  # cycles of a group whose spectra are averaged
RecomputeText = Callable[[Run, re.Match[str]], list[float]]
EPOCHS = {"Score over epochs": "val_score_strict", "Training loss over epochs": "train_loss"}
COLOURINGS = {
    "class": "class_name",
    "device": "device",
    "corpus": "corpus",
    "location": "location",
    "patient": "patient_id",
}
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


def training(run: Run, table: Table, row: Row) -> Numbers:
    card = run.cards[row[0]]
    selections = [re.search(r"\((.*)\)", title)[1] for title in table.header[6:]]
    epochs = [[card["selections"][name]["epoch"]] for name in selections]
    texts = ([card["architecture"], card["options"]], [card["frontend"], card.get("normalization")], [card["weights"]])
    return [*(numbers(json.dumps(one)) for one in texts), [card["parameters"]], [card["seed"]], *epochs]


def over_epochs(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    lines, column = [], EPOCHS[label[0]]
    for name in run.networks:
        path = run.root / "data" / name.replace("teacher/", "teachers/") / "history.csv"
        part = pl.read_csv(path, infer_schema_length=None).drop_nulls(column)
        line = [(float(epoch), round(float(value), 6)) for epoch, value in part.select("epoch", column).rows()]
        lines += [line, line] if len(line) == 1 else [line]
    return Expected(lines, {name: numbers(name) for name in run.networks})


def _domains(run: Run) -> Iterable[tuple[str, pl.DataFrame, pl.DataFrame, list]]:
    """Yield name, recordings, cycles and folders of features of each corpus and device, the largest first."""
    frontend = run.cards[run.first_student]["frontend"]
    folders = {run.root / "data/cycles": list((run.root / "data/fbank" / frontend).glob("*"))}
    for name in run.params["external"]:
        tested = run.root / "data/external/tested" / name
        folders[tested] = [tested / "fbank" / frontend]
    for folder, caches in folders.items():
        recordings, cycles = (
            pl.read_parquet(folder / f"{name}.parquet").with_columns(pl.col("device").fill_null("unknown device"))
            for name in ("recordings", "cycles")
        )
        keys = cycles.select("corpus", "device").unique().rows()
        own = [(f"{c}, {d}", recordings.filter(corpus=c, device=d), cycles.filter(corpus=c, device=d)) for c, d in keys]
        for name, recorded, cut in sorted(own, key=lambda one: (-one[2].height, one[0])):
            yield name, recorded, cut, caches


def domains(run: Run, _: Table, row: Row) -> Numbers:
    recorded, cycles = next((a, b) for name, a, b, _ in _domains(run) if name == row[0])
    labels = cycles[run.params["labels"]].drop_nulls()
    counts = [[recorded.height], [recorded["patient_id"].n_unique()], [cycles.height]]
    ranges = [
        np.quantile(values.filter(values.is_finite()).to_numpy(), [0.5, 0.1, 0.9])
        for values in (recorded["rms_dbfs"], cycles["duration_s"])
    ]
    rates = sorted(set(recorded["sample_rate"]))
    return [*counts, [100 * (labels == 0).mean()] if len(labels) else [], *ranges, rates]


def spectra(run: Run, *_: object) -> Expected:
    lines, names = [], {}
    for name, _, cycles, caches in _domains(run):
        ids = np.array(sorted(cycles["cycle_id"]))
        chosen = ids[np.linspace(0, len(ids) - 1, min(MOST, len(ids))).round().astype(int)]
        means = []
        for folder in caches:
            rows = pl.read_parquet(folder / "index.parquet").filter(pl.col("cycle_id").is_in(chosen.tolist()))["row"]
            features = np.load(folder / "features.npy", mmap_mode="r")
            means += [features[at].astype(float).mean(axis=0) for at in rows]
        lines.append(list(enumerate(np.mean(means, axis=0))))
        names[name] = numbers(name)
    return Expected(lines, names)


def _verdicts(run: Run, title: str) -> dict[str, Any]:
    corpus, external, _ = title.partition(", only tested on")
    folder = run.root / "data" / ("external" if external else "") / "validation" / corpus
    return json.loads((folder / "results.json").read_bytes())


def checks(run: Run, _: Table, row: Row) -> Numbers:
    totals = _verdicts(run, row[0])["totals"]
    return [[], *([totals[key]] for key in ("expectations", "holding", "warnings", "errors")), numbers(row[-1])]


def failing(run: Run, table: Table, row: Row) -> Numbers:
    found = _verdicts(run, table.title.partition(": ")[0])["expectations"]
    known = [one for one in found if not one["success"] and one["meaning"] == row[0]]
    return [next(numbers(one["fails_for"]) for one in known if one["fails_for"] == row[1]), []]


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
    for one in (measured[name] for name in texts if name in measured):
        drawn.append([(one["probe"]["chance"], ANY)] * 2)
        for value, low, high in (_with_limits(one[kind], "value") for kind in ("probe", "purity")):
            drawn += [[(low, ANY), (high, ANY)]] if np.isfinite(low) else []
            drawn.append([(value, ANY)])
    return Expected(drawn, {})


def projection(run: Run, label: re.Match[str], texts: list[str]) -> Expected:
    """Return the numbers of the texts of a projection, whose axes have no numbers."""
    first, second = _explained(run)["embeddings"]["models"][label[2]]["val"]["pca_explained"]
    known = pl.read_parquet(run.root / "data/explanation/embeddings.parquet").filter(model=label[2], selection="val")
    names = {str(one) for one in known[COLOURINGS[label[3]]].unique()}
    names |= {f"{corpus}/{device}" for corpus, device in known.select("corpus", "device").unique().rows()}
    numbers_of = {"component 1 (": [first], "component 2 (": [second]} | {name: numbers(name) for name in names}
    if more := [text for text in texts if text.endswith(" more")]:
        number = known[COLOURINGS[label[3]]].drop_nulls().n_unique()
        numbers_of |= {more[0]: [number - IN_LEGEND]}
    return Expected(None, numbers_of)


def maps(run: Run, table: Table, row: Row) -> Numbers:
    methods = _explained(run)["maps"]["models"][table.title.partition(":")[0]]["methods"]
    return [_with_limits(methods[METHODS[name]][TESTS[row[0]]], "mean") for name in table.header[1:]]


def map_curves(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    orders = _explained(run)["maps"]["models"][label[2]]["orders"]
    curves = [orders[name][label[1]]["curve"] for name in (*METHODS.values(), "random", "energy") if name in orders]
    return Expected([list(zip(np.linspace(0, 1, len(one)), one, strict=True)) for one in curves], {})


def sharpness(run: Run, _: Table, row: Row) -> Numbers:
    one = _explained(run)["sharpness"]["models"][row[0]]
    values = [one[key] for key in ("loss", "eigenvalue", "residual", "products")]
    network = numbers(run.cards[row[0]]["architecture"])
    return [network, [], *([] if value is None else [float(f"{value:.3g}")] for value in values)]


def loss_line(run: Run, *_: object) -> Expected:
    models = _explained(run)["sharpness"]["models"]
    lines = [(one["line"]["offsets"], one["line"]["losses"]) for one in models.values()]
    known = [[pair for pair in zip(*line, strict=True) if pair[1] is not None] for line in lines]
    return Expected(known, {name: numbers(name) for name in models})


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


def number_failing(run: Run, match: re.Match[str]) -> list[float]:
    return [sum(not one["success"] for one in _verdicts(run, match["title"])["expectations"])]


def more_failing(run: Run, match: re.Match[str]) -> list[float]:
    return [number_failing(run, match)[0] - MOST_FAILING]


# As `tables.TABLES`, but for the sections of `SOURCES`.
TABLES: tuple[tuple[str, str, Recompute], ...] = (
    ("training", "", training),
    ("domains", "", domains),
    ("data_checks", r".*: \d+ expectation", failing),
    ("data_checks", "", checks),
    ("embeddings", "Linear probe|Purity", embeddings),
    ("maps", ".*: tests of its maps", maps),
    ("sharpness", "", sharpness),
)
FIGURES: tuple[tuple[str, RecomputeFigure], ...] = (
    ("|".join(EPOCHS), over_epochs),
    ("Mean feature of each corpus and device over the mel bins", spectra),
    ("What (.*) separates", separation),
    ("(t-SNE|PCA) of (.*) by (.*)", projection),
    ("(deletion|insertion) curves of (.*)", map_curves),
    ("loss along a random direction", loss_line),
)
# The section, the pattern of the HTML, whose group `n` has the numbers, and the function that gives them.
PROSE: tuple[tuple[str, str, RecomputeText], ...] = (
    ("embeddings", r"A random sample of cycles was embedded: (?P<n>.*?)\.", sample),
    ("embeddings", r"purity of (?P<n>\d+) neighbours", neighbours),
    (
        "embeddings",
        r"<h3>[^<]*, (?P<subset>test|train)(?:ing)? cycles</h3>(?:(?!<h3>).)*?cycles left out: (?P<n>.*?)\. Left out",
        values_of,
    ),
    ("maps", r"<h3>(?P<model>[^<:]*): tests(?:(?!<h3>).)*?median error is (?P<n>[\d.]+)%", completeness),
    ("maps", r"<h3>[^<:]*: (?P<cycle>[^<]*)</h3>(?:(?!<h3>).)*?Cycle of (?P<n>[\d.]+) s", duration),
    ("sharpness", r"of the loss on (?P<n>\d+) training cycles", cycles_of_the_loss),
    ("data_checks", r"(?P<kept><summary>(?P<title>[^<:]*):(?:(?!<summary>).)*?)And (?P<n>\d+) more", more_failing),
    ("data_checks", r"<summary>(?P<title>[^<:]*): (?P<n>\d+) expectation", number_failing),
)
LOGARITHMIC = ("loss along a random direction",)  # figures with a logarithmic vertical axis
# What gives the numbers of sections that do not follow from predictions.
SOURCES = {
    "training": "model.json, history.csv",
    "domains": "tables of recordings, features",
    "data_checks": "results of Great Expectations",
    "provenance": "records, event log",
    "embeddings": "explanation.json",
    "maps": "explanation.json",
    "sharpness": "explanation.json",
}
# Tables and figures that nothing here reads: their section, the beginning of their title, and what they show.
NOT_READ = (
    ("provenance", "Settings that differ from the recipe", "settings of the recipe"),
    ("maps", ".* of .* by .*", "pixels of maps"),
    ("sharpness", "loss around .*", "contours"),
)
