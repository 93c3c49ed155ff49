"""Numbers of maps, from ``reports/explanation.json`` and the table of maps, and the axes of the drawn ones."""

import re
from collections.abc import Iterator
from html import unescape

import numpy as np
import polars as pl

from tests.recompute.explained import of_run, with_limits
from tests.recompute.figures import Expected
from tests.recompute.figures import Recompute as RecomputeFigure
from tests.recompute.html_page import ExpectedTable, Table
from tests.recompute.numbers import exact
from tests.recompute.run import Run
from tests.recompute.tables import Numbers, Recompute, RecomputeText, Row

MAPPED = 3  # cycles of a network whose maps are drawn
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
HERTZ = (250, 1000, 2000, 5000, 10_000)  # numbers of the vertical axis, as far as it reaches
TEXT = re.compile(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')
FRAME = re.compile(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/>')
BASELINE = 3.8  # pixels from the middle of a number of the vertical axis down to its baseline
APART = 0.05  # pixels that a number of an axis may be beside its place


def maps(run: Run, table: Table, row: Row) -> Numbers:
    methods = of_run(run)["maps"]["models"][table.title.partition(":")[0]]["methods"]
    return [with_limits(methods[METHODS[name]][TESTS[row[0]]], "mean") for name in table.header[1:]]


def map_curves(run: Run, label: re.Match[str], _: list[str]) -> Expected:
    orders = of_run(run)["maps"]["models"][label[2]]["orders"]
    names = {**METHODS, "random order": "random", "loudest first": "energy"}
    curves = {name: orders[key][label[1]]["curve"] for name, key in names.items() if key in orders}
    axes = [exact(f"{label[1]}: part of the spectrogram"), exact("probability")]
    texts = [*axes, *(exact(name, at) for at, name in enumerate(curves))]
    lines = [list(zip(np.linspace(0, 1, len(one)), one, strict=True)) for one in curves.values()]
    return Expected(lines, texts, rounded=False)


def axes(run: Run, label: str, svg: str) -> list[str]:
    """Return the texts of a drawn map, and raise an error if they are wrong, or not at their place.

    Raises:
        LookupError: A text or its place is wrong.
    """
    method, cycle, model = re.fullmatch("(.*) of (.*) by (.*)", label).groups()
    maps = pl.read_parquet(run.root / "data/explanation/maps.parquet")
    (row,) = maps.filter(model=model, cycle_id=cycle, method=METHODS[method]).iter_rows(named=True)
    seconds, hertz = np.array(row["seconds"]), np.array(row["hertz"])
    # Rows are of equal length but for the last; the first begins at 0.
    end = 2 * seconds[-1] - 2 * seconds[0] * (len(seconds) - 1)
    left, top, width, height = map(float, FRAME.search(svg).groups())
    texts = [(float(x), float(y), text) for x, y, text in TEXT.findall(svg)]
    names = [text for *_, text in texts]
    middle, last = names.index("seconds"), names.index("Hz")
    shown = [one for one in HERTZ if hertz[0] <= one <= hertz[-1]]
    if [*names[middle:last], *names[last + 1 :]] != ["seconds", *(f"{one:,}" for one in shown), method]:
        raise LookupError(f"texts {'; '.join(names)}")
    places = [(x, left + width * float(text) / end, text) for x, _, text in texts[:middle]]
    rises = np.interp(shown, hertz, np.arange(len(hertz)) + 0.5) / len(hertz)
    places += [
        (y - BASELINE, top + height * (1 - rise), text)
        for (_, y, text), rise in zip(texts[middle + 1 : last], rises, strict=True)
    ]
    for drawn, expected, text in places:
        if abs(drawn - expected) > APART:
            raise LookupError(f"{text} is at {drawn:.4g} pixels, expected {expected:.4g}")
    return names


def completeness(run: Run, match: re.Match[str]) -> list[float]:
    methods = of_run(run)["maps"]["models"][match["model"]]["methods"]
    return [100 * methods["integrated_gradients"]["completeness_gap"]]


def mapped(run: Run, match: re.Match[str]) -> list[float]:
    """Return the length of a cycle whose maps are shown.

    Raises:
        LookupError: The cycle has another class, or its maps are of another one.
    """
    table = pl.read_parquet(run.root / "data/explanation/maps.parquet")
    (target,) = table.filter(model=match["model"], cycle_id=match["cycle"])["target"].unique()
    label = run.classes[run.test.filter(cycle_id=match["cycle"])["label"][0]]
    if unescape(match["about"]) != (expected := f"True class: {label}. Maps of the most probable class: {target}. "):
        raise LookupError(f"{match['cycle']}: {expected}")
    return [pl.read_parquet(run.root / "data/cycles/cycles.parquet").filter(cycle_id=match["cycle"])["duration_s"][0]]


def map_tables(run: Run) -> Iterator[ExpectedTable]:
    for name, one in of_run(run)["maps"]["models"].items():
        methods = [title for title, key in METHODS.items() if key in one["methods"]]
        yield ExpectedTable(f"{name}: tests of its maps", methods, [(title,) for title in TESTS])


def map_figures(run: Run) -> Iterator[str]:
    """Yield the text alternatives of curves, and of the maps of one cycle of each class."""
    table = pl.read_parquet(run.root / "data/explanation/maps.parquet")
    labels = run.test.select("cycle_id", "label").unique()
    for name, one in of_run(run)["maps"]["models"].items():
        yield from (f"{kind} curves of {name}" for kind in ("deletion", "insertion"))
        methods = {key: title for title, key in METHODS.items() if key in one["methods"]}
        own = table.filter(pl.col("model") == name, pl.col("method").is_in(list(methods)))
        whole = own.group_by("cycle_id").len().filter(pl.col("len") == own["method"].n_unique())
        firsts = whole.join(labels, on="cycle_id").sort("cycle_id").unique("label", keep="first", maintain_order=True)
        for cycle in firsts.sort(pl.col("label") == 0, "label")["cycle_id"].head(MAPPED):
            yield from (f"{title} of {cycle} by {name}" for key, title in methods.items() if key in own["method"])


# As in `others`.
TABLES: tuple[tuple[str, str, Recompute], ...] = (("maps", ".*: tests of its maps", maps),)
FIGURES: tuple[tuple[str, RecomputeFigure], ...] = (("(deletion|insertion) curves of (.*)", map_curves),)
PROSE: tuple[tuple[str, str, RecomputeText], ...] = (
    ("maps", r"(?P<kept><h3>(?P<model>[^<:]*): tests(?:(?!<h3>).)*?)median error is (?P<n>[\d.]+)%", completeness),
    (
        "maps",
        r"(?P<kept><h3>(?P<model>[^<:]*): (?P<cycle>[^<]*)</h3>(?:(?!<h3>).)*?)"
        r"(?P<about>True[^<]*)Cycle of (?P<n>[\d.]+) s",
        mapped,
    ),
)
