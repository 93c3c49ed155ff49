"""`breathline report`: the results as a table, and where to look."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
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
    console.print("strict: an abnormal cycle counts with its exact class; lenient: with any abnormal class.")
    confidence = 100 * metrics["evaluation"]["confidence"]
    console.print(f"±: sd over seeds; in brackets: {confidence:.0f} % interval over test patients.\n")
    for what, path in PLACES:
        if path.exists():
            console.print(f"  {path}  [dim]{what}[/]", highlight=False)
    if open_page:
        webbrowser.open(PLACES[0][1].resolve().as_uri())


def results(metrics: dict[str, Any], selection: str) -> Table:
    """Return a row per model: Scores with their intervals, Sp and Se, in percent."""
    chosen = "on the validation patients" if selection == "val" else "on the TEST set, as publications do"
    table = Table(
        title=f"epoch chosen {chosen} ({selection})",
        title_justify="left",
        title_style="",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in ("model", "Score strict", "Score lenient", "Sp", "Se strict", "Se lenient"):
        table.add_column(name, justify="left" if name == "model" else "right", no_wrap=not name.startswith("Se"))
    student = metrics["student"][selection]
    table.add_row(
        f"student, mean of {student['seeds']}",
        *(_mean(student[name]) for name in ("score_strict", "score_lenient")),
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
            *(
                f"{_figure(figures[key])} {_interval(*figures['interval'][key])}"
                for key in ("score_strict", "score_lenient")
            ),
            *(_figure(figures[key]) for key in ("sp", "se_strict", "se_lenient")),
        )
    table.add_row("always normal", "50.0", "50.0", "100.0", "0.0", "0.0", style="dim")
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _mean(figure: dict[str, float | None]) -> str:
    spread = f" ± {figure['sd']:.1f}" if figure["sd"] is not None else ""
    return f"{_figure(figure['mean'])}{spread} {_interval(figure['low'], figure['high'])}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"({low:.0f}–{high:.0f})"
