"""Page of a comparison of runs, in the look of the report."""

from collections.abc import Iterator, Mapping
from functools import partial

import polars as pl
from matplotlib.ticker import MaxNLocator

from flows.run_comparison import texts
from flows.run_comparison.comparison import SELECTION, Compared, Comparison, Difference
from flows.run_comparison.sources import Source
from models.metrics import SCORES
from tasks.evaluation.words import DEGENERATE, MISSING, definitions, difference, figure
from tasks.reporting import page
from tasks.reporting.figures import LENIENT, STRICT, scores
from tasks.reporting.model_rows import marked
from tasks.reporting.section import Block, Picture, Table, Text
from tasks.reporting.svg import INK, MUTED, WIDE, drawing, line_of, of_both_widths

CURVES = {"val_score_strict": "strict Score of validation patients, %", "train_loss": "training loss"}


def render(comparison: Comparison) -> str:
    """Return the page as HTML."""
    sections = {
        "results": ("Results", list(_results(comparison))),
        "differences": ("Paired differences", list(_differences(comparison))),
        "classes": ("Differences by class", list(_classes(comparison))),
        "groups": ("Differences by group", list(_groups(comparison))),
        "settings": ("Changed settings", list(_settings(comparison))),
        "training": ("Training", list(_training(comparison))),
    }
    shown = {name: section for name, section in sections.items() if section[1]}
    return page.render_blocks("comparison.html.j2", shown, about=texts.about(comparison))


def _results(comparison: Comparison) -> Iterator[Block]:
    for definition in definitions(comparison.first.metrics["classes"]):
        rows = texts.rows(comparison, definition)
        yield Table(texts.headers(comparison, definition), rows, title=f"Score, {definition}", main=True)
    figures = [(texts.shown(source), _figures(source)) for source in comparison.sources]
    yield Picture(scores(figures, "Strict and lenient Score of each run, with intervals"), title="Both Scores")
    yield from (Text(note, muted=True) for note in texts.notes(comparison))


def _figures(source: Source) -> dict[str, object]:
    """Return both Scores and their limits, as `tasks.reporting.figures.scores` reads them."""
    student = source.metrics["student"][SELECTION]
    limits = {key: {name: student[name][key] for name in SCORES} for key in ("low", "high")}
    return {name: student[name]["mean"] for name in SCORES} | limits


def _differences(comparison: Comparison) -> Iterator[Block]:
    paired = {texts.minus_first(one, comparison.first): one.scores for one in comparison.others if one.scores}
    if paired:
        yield Picture(
            of_both_widths(lambda width: _forest(paired, width)),
            caption="Each run minus this project, in points of Score. Thick: networks fixed; thin: patients and seeds. "
            "An interval that contains 0 shows no difference.",
        )


def _forest(paired: Mapping[str, Mapping[str, Difference]], width: float) -> str:
    """Return the differences of both Scores of each run, with their intervals."""
    wide = width == WIDE
    with drawing(width, 0.62 + (0.4 if wide else 0.6) * len(paired), "Paired differences from this project") as canvas:
        axes = canvas.axes
        axes.axvline(0, color=MUTED, linewidth=1)
        for row, (name, found) in enumerate(paired.items()):
            for score, colour, shift, face in (
                ("score_strict", STRICT, -0.14, STRICT),
                ("score_lenient", LENIENT, 0.14, "none"),
            ):
                one = found[score]
                for suffix, line in (("_seeds", 1.0), ("", 3.0)):
                    low, high = one.get(f"low{suffix}"), one.get(f"high{suffix}")
                    if low is not None and high is not None:
                        axes.plot([low, high], [row + shift] * 2, color=colour, linewidth=line, solid_capstyle="round")
                if one["difference"] is not None:
                    axes.plot(one["difference"], row + shift, "o", color=colour, markerfacecolor=face, markersize=6.5)
            if not wide:
                axes.text(0.01, row - 0.32, name, color=INK, va="bottom", transform=axes.get_yaxis_transform())
        axes.set_yticks(range(len(paired)), [name if wide else "" for name in paired], color=INK)
        axes.set_ylim(len(paired) - 0.4, -0.6 if wide else -0.75)
        axes.set_xlabel("points of Score" + (" · filled: strict · open: lenient" if wide else ""))
        axes.grid(visible=False, axis="y")
    return canvas.svg


def _classes(comparison: Comparison) -> Iterator[Block]:
    paired = [one for one in comparison.others if one.classes]
    if paired:
        metrics = comparison.first.metrics
        first = {name: metrics["student"][SELECTION]["per_class"][name] for name in metrics["classes"]}
        here = marked("here", texts.degenerate(comparison.first))
        minus = (f"{texts.shown(one.source)} minus {here}" for one in paired)
        columns = ["class", "cycles", f"recall {here}", *minus]
        rows = [
            [name, str(row["n"]), figure(row["recall"]), *(difference(one.classes[name]) for one in paired)]
            for name, row in first.items()
        ]
        yield Table(columns, rows, caption="Recall in percent, and its paired differences in points.")


def _groups(comparison: Comparison) -> Iterator[Block]:
    paired = [one for one in comparison.others if one.groups]
    shown = definitions(comparison.first.metrics["classes"])
    for title in paired[0].groups if paired else ():
        names = [texts.minus_first(one, comparison.first) for one in paired]
        columns = [title.lower(), *(f"{name}, {part}" for name in names for part in shown)]
        rows = [
            [value, *(_of_group(one, title, value, f"score_{part}") for one in paired for part in shown)]
            for value in paired[0].groups[title]
        ]
        yield Table(columns, rows, title=title)
    if paired:
        yield Text(
            "Differences of the Scores in points. A dash: no normal or no abnormal cycles in the group. Degenerate: on "
            f"the cycles of the group, {DEGENERATE}.",
            muted=True,
        )


def _of_group(compared: Compared, title: str, value: str, score: str) -> str:
    """Return the difference of a Score in a group; the word degenerate if a network is degenerate on its cycles."""
    found = difference(compared.groups[title][value][score])
    return marked(found, compared.degenerate_groups.get(title, {}).get(value)) if found != MISSING else found


def _settings(comparison: Comparison) -> Iterator[Block]:
    unknown = [one.source.title for one in comparison.others if one.changed is None]
    if unknown:
        yield Text(f"No params.yaml of {', '.join(unknown)}.")
    if rows := texts.settings(comparison):
        yield Table(["setting", *(source.title for source in comparison.sources)], rows)
    elif not unknown:
        yield Text("All settings are equal.")


def _training(comparison: Comparison) -> Iterator[Block]:
    curves = {
        texts.shown(source): source.history.filter(pl.col("model").str.starts_with("student/"))
        for source in comparison.sources
        if source.history is not None
    }
    for column, title in CURVES.items():
        if any(history[column].is_not_null().any() for history in curves.values()):
            svg = of_both_widths(partial(_curves, curves, column, title))
            caption = "Thick: mean over seeds; thin: each seed."
            yield Picture(svg, title=title[0].upper() + title[1:], caption=caption)


def _curves(curves: Mapping[str, pl.DataFrame], column: str, title: str, width: float) -> str:
    """Return one column of the students' histories over the epochs, with a colour for each run."""
    with drawing(width, 3.9, f"{title} over the epochs") as canvas:
        axes = canvas.axes
        for index, (name, history) in enumerate(curves.items()):
            style, known = line_of(index, name), history.drop_nulls(column)
            for _, seed in known.group_by("model", maintain_order=True):
                axes.plot(seed["epoch"], seed[column], linewidth=0.7, alpha=0.5, **(style | {"label": None}))
            mean = known.group_by("epoch").agg(pl.col(column).mean()).sort("epoch")
            axes.plot(mean["epoch"], mean[column], linewidth=2.2, **style)
        axes.set(xlabel="epoch", ylabel=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(labelcolor=INK)
    return canvas.svg
