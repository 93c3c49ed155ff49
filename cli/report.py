"""`breathline report`: the results as a table, and where to look."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tasks.errors import BreathlineError

METRICS = Path("reports/metrics.json")
CORPORA = {
    "demo": "the generated demo corpus: it shows that the pipeline works and says nothing about real lungs",
    "icbhi-part": "a part of ICBHI 2017: not comparable with published Scores",
    "icbhi": "the complete ICBHI 2017 database",
}
PLACES = (
    ("the report: curves, groups, examples", Path("reports/report.html")),
    ("what was checked in the data", Path("reports/data_docs/index.html")),
    ("every prediction", Path("data/evaluation/predictions.parquet")),
    ("all figures", METRICS),
)


def report(
    open_page: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
) -> None:
    """Show the results of the last evaluation, and where to look for more."""
    if not METRICS.exists():
        raise BreathlineError("Nothing has been evaluated yet.", where=METRICS, hint="run `dvc repro`")
    metrics = json.loads(METRICS.read_text(encoding="utf-8"))
    console = Console()
    test = metrics["test"]
    console.print(f"\n[bold]{CORPORA[metrics['corpus']]}[/]")
    console.print(
        f"{metrics['labels']}, split {metrics['split']}: {test['cycles']} cycles of {test['patients']} patients"
    )
    for selection in metrics["student"]:
        console.print(results(metrics, selection))
    console.print("strict: an abnormal cycle counts with its exact class; lenient: with any abnormal class.\n")
    for what, path in PLACES:
        if path.exists():
            console.print(f"  {path}  [dim]{what}[/]", highlight=False)
    if open_page:
        webbrowser.open(PLACES[0][1].resolve().as_uri())


def results(metrics: dict[str, Any], selection: str) -> Table:
    """Return a row per model: Scores with their intervals, Sp and Se, in percent."""
    chosen = "on the validation patients" if selection == "val" else "on the TEST set, as publications do"
    table = Table(title=f"epoch chosen {chosen} ({selection})", title_justify="left", title_style="")
    for name in ("model", "Score strict", "interval", "Score lenient", "interval", "Sp", "Se strict", "Se lenient"):
        table.add_column(name, justify="left" if name == "model" else "right")
    student = metrics["student"][selection]
    table.add_row(
        f"student, mean of {student['seeds']}",
        _mean(student["score_strict"]),
        _interval(student["score_strict"]["low"], student["score_strict"]["high"]),
        _mean(student["score_lenient"]),
        _interval(student["score_lenient"]["low"], student["score_lenient"]["high"]),
        *(_figure(student[name]["mean"]) for name in ("sp", "se_strict", "se_lenient")),
        style="bold",
    )
    others = [(f"student, seed {seed}", found) for seed, found in metrics["students"].items()]
    others += [("ensemble", metrics["ensemble"])] if metrics["ensemble"] else []
    others += [(f"teacher {name}", found) for name, found in metrics["teachers"].items()]
    for name, found in others:
        figures = found[selection]
        table.add_row(
            name,
            _figure(figures["score_strict"]),
            _interval(*figures["interval"]["score_strict"]),
            _figure(figures["score_lenient"]),
            _interval(*figures["interval"]["score_lenient"]),
            *(_figure(figures[key]) for key in ("sp", "se_strict", "se_lenient")),
        )
    table.add_row("always normal", "50.0", "", "50.0", "", "100.0", "0.0", "0.0", style="dim")
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _mean(figure: dict[str, float | None]) -> str:
    return _figure(figure["mean"]) + (f" ± {figure['sd']:.1f}" if figure["sd"] is not None else "")


def _interval(low: float | None, high: float | None) -> str:
    return f"{_figure(low)} to {_figure(high)}"
