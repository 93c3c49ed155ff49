"""Numbers of networks, recordings and checks, from the files that hold them."""

import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from tests.recompute.figures import Expected
from tests.recompute.figures import Recompute as RecomputeFigure
from tests.recompute.html_page import Table
from tests.recompute.numbers import exact, numbers
from tests.recompute.run import Run
from tests.recompute.tables import Numbers, Recompute, RecomputeText, Row

MOST_FAILING = 12  # expectations that are listed for a corpus
MOST = 200  # cycles of a group whose spectra are averaged
EPOCHS = {"Score over epochs": "val_score_strict", "Training loss over epochs": "train_loss"}
AXES = {"val_score_strict": "strict Score, %", "train_loss": "training loss"}


def training(run: Run, table: Table, row: Row) -> Numbers:
    card = run.cards[row[0]]
    selections = [re.search(r"\((.*)\)", title)[1] for title in table.header[6:]]
    epochs = [[card["selections"][name]["epoch"]] for name in selections]
    means = card.get("normalization", {})
    front_end = [card["frontend"], *(f"{key} {means[key]}" for key in ("level", "spectrum") if key in means)]
    options = [f"{key} {_option(value)}" for key, value in card["options"].items()]
    texts = ([card["architecture"], *options], front_end, [card["weights"]])
    return [*(" · ".join(one) for one in texts), [card["parameters"]], [card["seed"]], *epochs]


def _option(value: Any) -> str:
    """Return the value of an option of a network as text."""
    return ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else str(value)


def over_epochs(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    lines, column = [], EPOCHS[label[0]]
    texts = [exact("epoch"), exact(AXES[column])]
    for name in run.networks:
        path = run.root / "data" / name.replace("teacher/", "teachers/") / "history.csv"
        part = pl.read_csv(path, infer_schema_length=None).drop_nulls(column)
        line = [(float(epoch), round(float(value), 6)) for epoch, value in part.select("epoch", column).rows()]
        texts.append(exact(name, len(lines)))
        lines += [line, line] if len(line) == 1 else [line]
    return Expected(lines, texts, rounded=False)


def domains_of(run: Run) -> Iterable[tuple[str, pl.DataFrame, pl.DataFrame, list]]:
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
    recorded, cycles = next((a, b) for name, a, b, _ in domains_of(run) if name == row[0])
    labels = cycles[run.params["labels"]].drop_nulls()
    counts = [[recorded.height], [recorded["patient_id"].n_unique()], [cycles.height]]
    ranges = [
        np.quantile(values.filter(values.is_finite()).to_numpy(), [0.5, 0.1, 0.9])
        for values in (recorded["rms_dbfs"], cycles["duration_s"])
    ]
    rates = sorted(set(recorded["sample_rate"]))
    return [*counts, [100 * (labels == 0).mean()] if len(labels) else [], *ranges, rates]


def spectra(run: Run, *_: object) -> Expected:
    lines, texts = [], [exact("mel bin, from low to high frequencies"), exact("mean feature")]
    for name, _, cycles, caches in domains_of(run):
        ids = np.array(sorted(cycles["cycle_id"]))
        chosen = ids[np.linspace(0, len(ids) - 1, min(MOST, len(ids))).round().astype(int)]
        means = []
        for folder in caches:
            rows = pl.read_parquet(folder / "index.parquet").filter(pl.col("cycle_id").is_in(chosen.tolist()))["row"]
            features = np.load(folder / "features.npy", mmap_mode="r")
            means += [features[at].astype(float).mean(axis=0) for at in rows]
        texts.append(exact(name, len(lines)))
        lines.append(list(enumerate(np.mean(means, axis=0))))
    return Expected(lines, texts, rounded=False)


def _verdicts(run: Run, title: str) -> dict[str, Any]:
    corpus, external, _ = title.partition(", only tested on")
    folder = run.root / "data" / ("external" if external else "") / "validation" / corpus
    return json.loads((folder / "results.json").read_bytes())


def verdicts(run: Run) -> dict[str, dict[str, Any]]:
    """Return the results of the checks of each corpus, by the name in the table."""
    names = [one["name"] for one in run.facts["parts"] or [run.facts]]
    titles = [*names, *(f"{name}, only tested on" for name in sorted(run.params["external"]))]
    return {title: _verdicts(run, title) for title in titles}


def checks(run: Run, _: Table, row: Row) -> Numbers:
    found, name = verdicts(run)[row[0]], row[0].partition(",")[0]
    totals = [[found["totals"][key]] for key in ("expectations", "holding", "warnings", "errors")]
    return ["passed" if found["success"] else "failed", *totals, name]


def failing(run: Run, table: Table, row: Row) -> Numbers:
    found = verdicts(run)[table.title.partition(": ")[0]]["expectations"]
    known = [one for one in found if not one["success"] and one["meaning"] == row[0]]
    return [next(numbers(one["fails_for"]) for one in known if one["fails_for"] == row[1]), []]


def number_failing(run: Run, match: re.Match[str]) -> list[float]:
    return [sum(not one["success"] for one in verdicts(run)[match["title"]]["expectations"])]


def more_failing(run: Run, match: re.Match[str]) -> list[float]:
    return [number_failing(run, match)[0] - MOST_FAILING]


# As `tables.TABLES`, but from other files.
TABLES: tuple[tuple[str, str, Recompute], ...] = (
    ("training", "", training),
    ("domains", "", domains),
    ("data_checks", r".*: \d+ expectation", failing),
    ("data_checks", "", checks),
)
FIGURES: tuple[tuple[str, RecomputeFigure], ...] = (
    ("|".join(EPOCHS), over_epochs),
    ("Mean feature of each corpus and device over the mel bins", spectra),
)
# The section, the pattern of the HTML, whose group `n` has the numbers, and the function that gives them.
PROSE: tuple[tuple[str, str, RecomputeText], ...] = (
    ("data_checks", r"(?P<kept><summary>(?P<title>[^<:]*):(?:(?!<summary>).)*?)And (?P<n>\d+) more", more_failing),
    ("data_checks", r"<summary>(?P<title>[^<:]*): (?P<n>\d+) expectation", number_failing),
)
