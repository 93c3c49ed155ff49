"""Section of the decision rules: Se over Sp with operating points, figures of each rule, and the decision curve."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from tasks.evaluation.decision_analysis import LOWEST, OWN, TREAT_ALL, TREAT_NONE
from tasks.evaluation.words import DEGENERATE, MISSING, difference, figure, sensitivity, spread
from tasks.reporting.figures import DASHED
from tasks.reporting.model_rows import marked, named
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Block, Picture, Section, Table, Text
from tasks.reporting.svg import INK, MUTED, PALETTE, drawing

MARKERS = {"argmax": "o", "strict": "s", "lenient": "^", OWN: "D"}
FOLLOWS = (
    "The classes that other sections count follow it. There are four exceptions. The calibration judges the most "
    "probable class. Maps, with the curves of deletion and insertion, explain the most probable class. The rule max of "
    "recordings and patients takes the largest probability. The most uncertain cycles are those of the smallest margin "
    "between two probabilities."
)
COLUMNS = ("model", "rule", "Sp", "Se strict", "Score strict", "minus argmax", "Score lenient")


class Point(NamedTuple):
    """Operating point of a model with one rule: Sp and strict Se in percent."""

    model: str
    rule: str
    sp: float
    se_strict: float


def content(run: RunResults) -> Sequence[Block]:
    """Return the blocks of the section."""
    student = run.metrics["student"]["val"]["decision"]
    models = named(run.metrics, "val", seeds=False)
    rows = [row for name, found in models for row in _rows(name, found["decision"])]
    return [
        Text(f"The rule of the student is {student['rule']}. {FOLLOWS}"),
        *([Text(sensitivity(student["target"], student["reached"]))] if student["target"] is not None else ()),
        Picture(
            operating_points(run.plots["operating_points"], run.metrics),
            "Sensitivity over specificity",
            "Each curve follows the threshold τ of the probability of the normal class, with the strict Se. "
            "Circle: the most probable class. Square and triangle: the thresholds that validation patients gave for "
            "the strict and the lenient Score. Diamond: the model's own threshold, if it is none of these. The dashed "
            "line is a Score of 50.",
        ),
        Table(COLUMNS, rows, "Figures of each rule"),
        Text(
            "The same networks with each rule; applied: the rule of the model. Thresholds τ were chosen on validation "
            "patients; that of the ensemble is the mean of its members' thresholds. In brackets: "
            f"{run.confidence} % intervals over the test patients, networks fixed; in square brackets, over "
            f"patients and seeds, paired by both. Degenerate: with the rule, {DEGENERATE}.",
            muted=True,
        ),
        Picture(
            decision_curve(run.plots["decision_curve"]),
            "Decision curve",
            "Net benefit: the share of abnormal cycles that are found, minus that of false alarms, weighed by the odds "
            "of the threshold probability. A model helps where its curve is above both grey lines.",
        ),
    ]


def _rows(name: str, decision: Mapping[str, Any]) -> list[Sequence[str]]:
    """Return a row for each rule of a model."""
    found: list[Sequence[str]] = []
    for rule, own in decision["rules"].items():
        minus = own.get("minus_argmax")
        change = MISSING if minus is None else marked(difference(minus["score_strict"]), minus["degenerate"])
        threshold = "" if own["threshold"] is None else f", τ = {figure(own['threshold'], 2)}"
        cells = [spread(**own[key]) for key in ("sp", "se_strict", "score_strict", "score_lenient")]
        applied = ", applied" if rule == decision["applied"] else ""
        title = marked(f"{rule}{threshold}{applied}", own["degenerate"])
        found.append((name, title, *cells[:3], change, cells[3]))
    return found


def points(metrics: Mapping[str, Any]) -> Iterator[Point]:
    """Yield the operating points of student and ensemble; none where there is no normal, or no abnormal, test cycle."""
    models = {"student": metrics["student"]["val"], "ensemble": metrics["ensemble"].get("val")}
    for model, found in models.items():
        for rule, own in found["decision"]["rules"].items() if found else ():
            sp, se_strict = own["sp"]["mean"], own["se_strict"]["mean"]
            if sp is not None and se_strict is not None:
                yield Point(model, rule, sp, se_strict)


def operating_points(table: pl.DataFrame, metrics: Mapping[str, Any]) -> str:
    """Return strict Se over Sp of student and ensemble, with a mark for each rule.

    Args:
        table: The operating curves (`tasks.evaluation.decision_analysis`).
        metrics: Contents of ``reports/metrics.json``.
    """
    with drawing(4.6, 4.3, "Strict sensitivity over specificity, with the operating point of each rule") as canvas:
        axes = canvas.axes
        axes.plot([0, 100], [100, 0], **DASHED)
        colours = dict(zip(table["model"].unique(maintain_order=True), PALETTE, strict=False))
        for model, colour in colours.items():
            part = table.filter(pl.col("model") == model)
            axes.plot(part["sp"], part["se_strict"], color=colour, label=model)
        for point in (one for one in points(metrics) if one.model in colours):
            style = {"color": colours[point.model], "markersize": 7, "markeredgecolor": INK}
            axes.plot(point.sp, point.se_strict, MARKERS[point.rule], **style)
        axes.set(xlim=(-2, 102), ylim=(-2, 104), xlabel="Sp, %", ylabel="strict Se, %")
        axes.legend(loc="lower left", labelcolor=INK)
    return canvas.svg


def decision_curve(table: pl.DataFrame) -> str:
    """Return the net benefit over the threshold probability of each model, and of calling all cycles one class."""
    with drawing(4.6, 4.3, "Net benefit over the threshold probability") as canvas:
        axes = canvas.axes
        always = [TREAT_ALL, TREAT_NONE]
        models = [name for name in table["model"].unique(maintain_order=True) if name not in always]
        for index, model in enumerate([*models, *always]):
            part = table.filter(pl.col("model") == model)
            style: dict[str, Any] = {"color": PALETTE[index % len(PALETTE)]}
            if model in always:
                style = {"color": MUTED, "linestyle": ("--", ":")[always.index(model)]}
            axes.plot(part["threshold_probability"], part["net_benefit"], label=model, **style)
        axes.set(xlim=(0, 0.92), xlabel="threshold probability", ylabel="net benefit")
        axes.set_ylim(bottom=LOWEST)
        axes.legend(labelcolor=INK)
    return canvas.svg


SECTION = Section(title="Decision rules", order=450, content=content)
