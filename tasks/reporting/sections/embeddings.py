"""Section of the embeddings: whether they separate classes, or devices, corpora, locations and patients."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tasks import artifacts
from tasks.evaluation.words import MISSING, figure
from tasks.explanation.colourings import COLUMNS, with_distinct_devices
from tasks.explanation.representatives import of_each_network
from tasks.reporting.figures import DASHED, evenly_chosen
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Block, Fold, Picture, Section, Table, Text
from tasks.reporting.svg import INK, MUTED, PALETTE, WIDE, drawing, in_legend, of_both_widths, side_by_side
from tasks.runtime.artifact_reading import read_table

READ = ("model", "selection", "subset", "corpus", *COLUMNS.values(), "pca_x", "pca_y", "tsne_x", "tsne_y")
MOST = 1500  # cycles that a projection shows; each is an element of the page
IN_LEGEND = 6  # values of a colouring with a colour of their own
LETTERS = 42  # of all columns of a legend; with more, those at the left would be outside of the drawing
MARKERS = "os^DvP"  # tell values apart without colours
PROJECTIONS = {"tsne": "t-SNE", "pca": "PCA"}
IN_PCA = ("class", "device")  # colourings that are drawn in the PCA, too
SIZES = "Large: test cycles; small and pale: training and validation cycles."
READING = (
    "A network turns each cycle into a list of numbers, its embedding, and decides from this list alone. Purity is the "
    "share of the nearest cycles that have the same value. Only cycles of other patients count (for patients: of other "
    "recordings), so that a patient does not pass for a device. The probe is a logistic regression from embeddings to "
    "values; its balanced accuracy is measured on patients (for patients: on recordings) that it did not see. At "
    "chance, the embedding tells nothing of the value. With the device far above chance and the class near it, a "
    "network learned the device and not the disease."
)


def content(run: RunResults) -> Sequence[Block]:
    """Return the blocks of the section; none if no cycles were embedded."""
    found: Mapping[str, Any] = run.explanation.get("embeddings", {})
    if not found:
        return []
    models = {name: entry["val"] for name, entry in found["models"].items()}
    blocks: list[Block] = [Text(READING, muted=True), Text(_sample(found), muted=True)]
    if student := models[run.first_student].get("test"):
        blocks.append(
            Picture(
                of_both_widths(lambda width: separation(student, f"What {run.first_student} separates", width)),
                title=f"{run.first_student}: test cycles",
                caption=f"Filled: linear probe; open: purity of {found['neighbours']} neighbours; dashed: chance of "
                f"the probe. Lines are {run.confidence} % intervals over patients, with the trained probes fixed.",
            )
        )
    blocks += [
        table(models, "test", "probe", "Linear probe, test cycles", run.confidence),
        table(models, "test", "purity", "Purity, test cycles", run.confidence),
        table(models, "train", "purity", "Purity, training cycles", run.confidence),
    ]
    blocks += scatters(run, run.first_student, models[run.first_student])
    others = {
        name: scatters(run, name, models[name]) for name in of_each_network(run.cards) if name != run.first_student
    }
    return [*blocks, *(Fold(f"{name}: t-SNE and PCA", drawn) for name, drawn in others.items() if drawn)]


def _sample(found: Mapping[str, Any]) -> str:
    """Return the sentence on the sampled cycles, and on colourings that cannot be measured."""
    sizes = [f"{part['cycles']} of {part['of']} {subset}" for subset, part in found["sample"].items()]
    text = f"A random sample of cycles was embedded: {', '.join(sizes)}."
    reasons = [f"{name} ({why})" for name, why in found["omitted"]["test"].items()]
    return text + (f" Not measured on test cycles: {'; '.join(reasons)}." if reasons else "")


def separation(measured: Mapping[str, Any], label: str, width: float) -> str:
    """Return probe and purity of each colouring with intervals and chance, one colouring below the other.

    Args:
        measured: Entry of a subset in ``reports/explanation.json``.
        label: Text alternative of the figure.
        width: Width in inches.
    """
    with drawing(width, 0.7 + 0.5 * len(measured), label) as canvas:
        axes = canvas.axes
        names = [name for name in COLUMNS if name in measured]
        for row, name in enumerate(names):
            axes.plot([measured[name]["probe"]["chance"]] * 2, [row - 0.35, row + 0.35], **DASHED)
            for kind, colour, shift, face in (
                ("probe", PALETTE[0], -0.13, PALETTE[0]),
                ("purity", PALETTE[1], 0.13, "none"),
            ):
                one = measured[name][kind]
                if one["low"] is not None:
                    axes.plot([one["low"], one["high"]], [row + shift] * 2, color=colour, linewidth=2.2)
                axes.plot(one["value"], row + shift, "o", color=colour, markerfacecolor=face, markersize=6.5)
        axes.set_yticks(range(len(names)), names, color=INK)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set(xlim=(-1, 101), xlabel="percent" if width < WIDE else "percent of cycles, each value weighted alike")
        axes.grid(visible=False, axis="y")
    return canvas.svg


def table(models: Mapping[str, Any], subset: str, kind: str, title: str, confidence: str) -> Table:
    """Return a table of one figure: a row for each model, a column for each colouring, and chance at the end.

    Args:
        models: Entries of the models in ``reports/explanation.json``.
        subset: Subset of the cycles.
        kind: Figure, ``probe`` or ``purity``.
        title: Heading of the table.
        confidence: Level of the intervals in percent.
    """
    parts = {model: entry.get(subset, {}) for model, entry in models.items()}
    names = [name for name in COLUMNS if any(name in part for part in parts.values())]
    rows = []
    for model, part in parts.items():
        flag = " (one embedding for all cycles)" if models[model]["constant"] else ""
        rows.append([f"{model}{flag}", *(_cell(part[name][kind]) if name in part else MISSING for name in names)])
    known = [next(part for part in parts.values() if name in part)[name] for name in names]
    rows.append(["chance", *(figure(one[kind]["chance"]) for one in known)])
    counts = ", ".join(
        f"{name} {one['values']} ({one['cycles']}; {one['left_out']})" for name, one in zip(names, known, strict=True)
    )
    caption = (
        f"In percent, with {confidence} % intervals over patients. Number of values, in brackets that of cycles "
        f"with them and of cycles left out: {counts}. Left out are cycles without a value, or with one that only one "
        "patient has (for patients: only one recording)."
    )
    return Table(["model", *names], rows, title=title, caption=caption)


def _cell(found: Mapping[str, float | None]) -> str:
    interval = "" if found["low"] is None else f" ({figure(found['low'])} to {figure(found['high'])})"
    return figure(found["value"]) + interval


def scatters(run: RunResults, model: str, entry: Mapping[str, Any]) -> list[Picture]:
    """Return the projections of a model, coloured by each colouring that has several values.

    Args:
        run: Results of the run.
        model: Name of the model.
        entry: Entry of the model in ``reports/explanation.json``.
    """
    if entry["constant"]:
        return []
    frame = pl.DataFrame(read_table(run.root / artifacts.EMBEDDINGS, READ))
    frame = with_distinct_devices(frame.filter(model=model, selection="val"))
    number = frame.height
    frame = frame[evenly_chosen(number, MOST)]
    shown = f" {MOST:,} of {number:,} cycles are shown." if number > MOST else ""
    coloured = [name for name, column in COLUMNS.items() if frame[column].drop_nulls().n_unique() > 1]
    first, second = entry["pca_explained"]
    labels = {"tsne": ("", ""), "pca": (f"component 1 ({first:.0f} % of variance)", f"component 2 ({second:.0f} %)")}
    blocks: list[Picture] = []
    for kind, title in PROJECTIONS.items():
        if frame[f"{kind}_x"].null_count():
            continue
        drawn = [
            scatter(frame, name, kind, labels[kind], f"{title} of {model} by {name}")
            for name in coloured
            if kind == "tsne" or name in IN_PCA
        ]
        if drawn:
            blocks.append(Picture(side_by_side(drawn), title=f"{model}: {title}", caption=SIZES + shown))
    return blocks


def scatter(frame: pl.DataFrame, name: str, kind: str, labels: tuple[str, str], label: str) -> str:
    """Return the cycles in a projection, with colour and marker by the values of a colouring.

    The most frequent values have a colour of their own; the others share one. Cycles without a value are left out.

    Args:
        frame: Cycles with their coordinates.
        name: Name of the colouring.
        kind: Projection, ``pca`` or ``tsne``.
        labels: Titles of the axes.
        label: Text alternative of the figure.
    """
    column = COLUMNS[name]
    frame = frame.filter(pl.col(column).is_not_null())
    counts = frame[column].value_counts().sort("count", column, descending=[True, False])
    shown = sorted(counts[column].to_list()[:IN_LEGEND])
    rest = counts.height - len(shown)
    with drawing(4.6, 4.6, label) as canvas:
        axes = canvas.axes
        others = frame.filter(~pl.col(column).is_in(shown))
        groups = [(f"{rest} more", others, MUTED, "o")] if rest else []
        groups += [
            (value, frame.filter(pl.col(column) == value), PALETTE[index], MARKERS[index])
            for index, value in enumerate(shown)
        ]
        for value, own, colour, marker in groups:
            for tested, size, alpha in ((False, 7, 0.35), (True, 26, 0.85)):
                part = own.filter((pl.col("subset") == "test") == tested)
                style: dict[str, Any] = {"s": size, "alpha": alpha, "color": colour, "marker": marker, "linewidths": 0}
                axes.scatter(part[f"{kind}_x"], part[f"{kind}_y"], label=in_legend(value) if tested else None, **style)
        axes.set_title(name, color=INK, fontsize=11)
        axes.set(xlabel=labels[0], ylabel=labels[1], xticks=[], yticks=[])
        columns = max(1, min(3, LETTERS // max(len(value) for value, *_ in groups)))
        axes.legend(labelcolor=INK, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=columns, handletextpad=0.3)
    return canvas.svg


SECTION = Section(title="What the embeddings separate", order=625, content=content)
