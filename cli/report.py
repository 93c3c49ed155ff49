"""`breathline report`: the results as a table, and the paths of all results."""

import webbrowser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from flows.publish import links
from tasks.artifacts import METRICS, PREDICTIONS, REPORT
from tasks.evaluation.words import SELECTIONS, figure, interval, limits, signed, spread
from tasks.runtime.artifact_reading import content_of, read_json
from tasks.runtime.errors import BreathlineError

PATHS = {
    REPORT: "curves, groups, calibration, examples: open it in a browser, or with `breathline report --open`",
    PREDICTIONS: "every prediction",
    METRICS: "all figures",
}


def report(open_page: Annotated[bool, typer.Option("--open", help="open the report in the browser")] = False) -> None:
    """Show the results of the last evaluation and the paths of all results."""
    if not METRICS.exists():
        raise BreathlineError("Nothing has been evaluated yet.", where=METRICS, hint="`make demo`, or `dvc repro`")
    console = Console(emoji=False, highlight=False)
    with content_of(METRICS):
        _show(console, read_json(METRICS))
    existing = {path: content for path, content in PATHS.items() if path.exists()}
    existing |= {path: f"checks of the data of {path.parent.name}" for path in links.data_docs(Path())}
    width = max(len(str(path)) for path in existing)
    for path, content in existing.items():
        console.print(f"[bold]{path!s:{width}}[/]  {content}", soft_wrap=True)
    if open_page:
        if not REPORT.exists():
            raise BreathlineError("The report is missing.", where=REPORT, hint="`dvc pull`, or `dvc repro evaluate`")
        webbrowser.open(REPORT.resolve().as_uri())


def _show(console: Console, metrics: Mapping[str, Any]) -> None:
    test = metrics["test"]
    console.print(f"\n[bold]Breathline[/] · {metrics['labels']} · split {metrics['split']} · ", end="")
    console.print(f"tested on {test['cycles']} cycles of {test['patients']} patients")
    console.print(metrics["banner"] + "\n", style="" if metrics["comparable"] else "yellow", markup=False)
    for selection in metrics["selections"]:
        console.print(table(metrics, selection))
        console.print()
        if metrics.get("corpora") or metrics.get("external"):
            console.print(by_corpus(metrics, selection))
            console.print()
    for line in comparisons(metrics):
        console.print(line)
    console.print(per_class(metrics))
    console.print("[dim]In percent. Score = (Sp + Se) / 2; strict: the exact class, lenient: any abnormal.[/]")
    console.print("[dim]Intervals: over the test patients (jackknife, Student's t), with networks fixed.[/]")
    console.print("[dim]±: standard deviation over seeds.[/]\n")


def table(metrics: Mapping[str, Any], selection: str) -> Table:
    """Return the results of one epoch selection: student, teachers, and a model that always predicts normal."""
    rows = _empty_table(f"{SELECTIONS[selection]} ({selection})", metrics)
    seeds = len(metrics["students"])
    name = f"student, {seeds} seeds" if seeds > 1 else "student"
    rows.add_row(name, *_of_student(metrics["student"][selection]), style="bold green")
    others = [("ensemble", metrics["ensemble"])] if metrics["ensemble"] else []
    others += [(f"teacher {name}", found) for name, found in metrics["teachers"].items()]
    for name, found in others:
        _row(rows, name, found[selection])
    _row(rows, f"always “{metrics['classes'][0]}”", metrics["always_normal"], style="dim")
    return rows


def by_corpus(metrics: Mapping[str, Any], selection: str) -> Table:
    """Return the results of the student on the test cycles of each corpus apart, training corpora first."""
    rows = _empty_table("the student on each corpus", metrics)
    for role, words in (("corpora", ""), ("native", ", in its own classes"), ("external", ", only tested on")):
        for name, found in metrics.get(role, {}).items():
            rows.add_row(f"{name}{words}", *_of_student(found["student"][selection]))
    return rows


def _empty_table(title: str, metrics: Mapping[str, Any]) -> Table:
    confidence = f"{100 * metrics['interval']['confidence']:g} %\ninterval"
    names = ("Sp", "Se\nstrict", "Score\nstrict", confidence, "Se\nlenient", "Score\nlenient")
    columns = [Column("", no_wrap=True), *(Column(name, justify="right", no_wrap=True) for name in names)]
    return Table(*columns, title=title, title_justify="left", title_style="", header_style="bold", box=None)


def _of_student(student: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        figure(student["sp"]["mean"]),
        figure(student["se_strict"]["mean"]),
        spread(student["score_strict"]["mean"], student["score_strict"]["sd"]),
        interval(student["score_strict"]["low"], student["score_strict"]["high"]),
        figure(student["se_lenient"]["mean"]),
        spread(student["score_lenient"]["mean"], student["score_lenient"]["sd"]),
    )


def comparisons(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield the interval over patients and seeds, and a line for each paired comparison, of the selection `val`."""
    score = metrics["student"]["val"]["score_strict"]
    if score.get("low_seeds") is not None:
        over_seeds = interval(score["low_seeds"], score["high_seeds"])
        yield f"student, interval of the strict Score over patients and seeds: {over_seeds}"
    names = {"ensemble": "the ensemble", "teachers": "the mean of the teachers"}
    for name, found in metrics["student_minus"]["val"].items():
        row = found["score_strict"]
        if row["difference"] is not None:
            yield f"student − {names[name]}: {signed(row['difference'])} points of strict Score{limits(row)}"


def per_class(metrics: Mapping[str, Any]) -> str:
    """Return the recall of each class in words."""
    found = metrics["student"]["val"]["per_class"]
    parts = (f"{figure(found[name]['recall'])} % of {found[name]['n']} {name}" for name in metrics["classes"])
    return "the student finds " + ", ".join(parts) + "\n"


def _row(rows: Table, name: str, figures: Mapping[str, Any], style: str | None = None) -> None:
    low, high = figures.get("low", {}).get("score_strict"), figures.get("high", {}).get("score_strict")
    rows.add_row(
        name,
        *(figure(figures[key]) for key in ("sp", "se_strict", "score_strict")),
        interval(low, high),
        *(figure(figures[key]) for key in ("se_lenient", "score_lenient")),
        style=style,
    )
