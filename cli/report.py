"""`breathline report`: the results as a table, and the paths of all results."""

import webbrowser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from cli.options import AsJson
from cli.output import print_json
from flows.publish import links
from tasks.artifacts import METRICS, PREDICTIONS, REPORT, REPORTS
from tasks.evaluation.words import (
    FURTHER_METRICS,
    SELECTIONS,
    augmentation,
    compared_with,
    figure,
    interval,
    limits,
    of_two_seeds,
    p_value,
    signed,
    spread,
)
from tasks.runtime.artifact_reading import content_of, read_json
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

DEGENERATE = "(!)"  # mark of a model that is degenerate (tasks.evaluation.degeneracy)
COMPARISON = REPORTS / "compare.html"
PATHS = {
    REPORT: "curves, groups, calibration, examples: open it in a browser, or with `breathline report --open`",
    PREDICTIONS: "every prediction",
    METRICS: "all figures",
}


def report(
    *,
    open_page: Annotated[bool, typer.Option("--open", help="open the page in the browser")] = False,
    compare: Annotated[
        list[str],
        typer.Option(
            metavar="RUN", help="put RUN beside this project: a Git revision, an experiment, a recipe; repeatable"
        ),
    ] = [],  # noqa: B006 - Typer reads the default and changes nothing
    out: Annotated[Path, typer.Option(help="with --compare: page to write")] = COMPARISON,
    as_json: AsJson = False,
) -> None:
    """Show the results of the last evaluation and the paths of all results, or compare runs."""
    if not METRICS.exists():
        raise BreathlineError("Nothing has been evaluated yet.", where=METRICS, hint="`make demo`, or `dvc repro`")
    if compare:
        from cli import run_comparison  # draws figures: slow to import

        run_comparison.show(Path.cwd(), compare, out, as_json=as_json)
        if open_page:
            webbrowser.open(out.resolve().as_uri())
        return
    if out != COMPARISON:
        raise BreathlineError("There is nothing to write.", where="--out", hint="name runs: --compare REV")
    metrics = read_json(METRICS)
    existing = {path: content for path, content in PATHS.items() if path.exists()}
    existing |= {path: f"checks of the data of {path.parent.name}" for path in links.data_docs(Path())}
    if as_json:
        files = [{"path": path.as_posix(), "content": content} for path, content in existing.items()]
        print_json({"metrics": metrics, "files": files})
    else:
        console = make_console(highlight=False)
        with content_of(METRICS):
            _show(console, metrics)
        width = max(len(str(path)) for path in existing)
        for path, content in existing.items():
            console.print(f"[bold]{path!s:{width}}[/]  {content}", soft_wrap=True)
    if open_page:
        if not REPORT.exists():
            raise BreathlineError("The report is missing.", where=REPORT, hint="`dvc pull`, or `dvc repro report`")
        webbrowser.open(REPORT.resolve().as_uri())


def _show(console: Console, metrics: Mapping[str, Any]) -> None:
    test = metrics["test"]
    console.print(f"\n[bold]Breathline[/] · {metrics['labels']} · split {metrics['split']} · ", end="")
    console.print(f"tested on {test['cycles']} cycles of {test['patients']} patients")
    if augmented := augmentation(metrics):
        console.print(f"{augmented}; `breathline predict` does not use it")
    console.print(metrics["banner"] + "\n", style="" if metrics["comparable"] else "yellow", markup=False)
    for selection in metrics["selections"]:
        console.print(table(metrics, selection))
        for line in notes(metrics, selection):
            console.print(line, style="yellow")
        console.print()
        if metrics.get("corpora") or metrics.get("external"):
            console.print(by_corpus(metrics, selection))
            for line in corpus_notes(metrics, selection):
                console.print(line, style="yellow")
            console.print()
    for line in comparisons(metrics):
        console.print(line)
    console.print(per_class(metrics))
    for line in further_metrics(metrics):
        console.print(line)
    console.print()
    console.print("[dim]In percent. Score = (Sp + Se) / 2; strict: the exact class, lenient: any abnormal.[/]")
    console.print("[dim]Intervals: over the test patients (jackknife, Student's t), with networks fixed.[/]")
    console.print("[dim]±: standard deviation over seeds. p: permutation test, which swaps whole patients.[/]\n")


def table(metrics: Mapping[str, Any], selection: str) -> Table:
    """Return the results of one epoch selection: student, teachers, and a model that always predicts normal.

    Baselines follow the student. Degenerate models have a mark, and teachers that label nothing come last; `notes`
    explains both.
    """
    rows = _empty_table(f"{SELECTIONS[selection]} ({selection})", metrics)
    seeds = len(metrics["students"])
    student = metrics["student"][selection]
    name = f"student, {seeds} seeds" if seeds > 1 else "student"
    rows.add_row(_marked(name, student), *_of_student(student), style="bold green")
    for name in metrics["baselines"]:
        _row(rows, f"baseline {name}", metrics["teachers"][name][selection])
    if metrics["ensemble"]:
        _row(rows, "ensemble", metrics["ensemble"][selection])
    for name in metrics["labelling"]:
        _row(rows, f"teacher {name}", metrics["teachers"][name][selection])
    _row(rows, f"always “{metrics['classes'][0]}”", metrics["always_normal"], style="dim")
    for name in _idle(metrics):
        _row(rows, f"teacher {name}", metrics["teachers"][name][selection], style="dim")
    return rows


def notes(metrics: Mapping[str, Any], selection: str) -> Iterator[str]:
    """Yield lines below the table of one epoch selection: degenerate models, and teachers that label nothing."""
    models = {"student": metrics["student"], "ensemble": metrics["ensemble"]}
    kinds = dict.fromkeys(metrics["teachers"], "teacher") | dict.fromkeys(metrics["baselines"], "baseline")
    models |= {f"{kinds[name]} {name}": found for name, found in metrics["teachers"].items()}
    for name, found in models.items():
        if flag := found.get(selection, {}).get("degenerate"):
            yield f"{DEGENERATE} {name} is degenerate: {flag}"
    if idle := _idle(metrics):
        yield f"label nothing, and are in no comparison: {', '.join(f'teacher {name}' for name in idle)}"


def _idle(metrics: Mapping[str, Any]) -> list[str]:
    """Return the ids of the teachers that neither label nor are baselines."""
    return [name for name in metrics["teachers"] if name not in {*metrics["labelling"], *metrics["baselines"]}]


def by_corpus(metrics: Mapping[str, Any], selection: str) -> Table:
    """Return the results of the student on the test cycles of each corpus apart, training corpora first."""
    rows = _empty_table("the student on each corpus", metrics)
    for name, student in _students(metrics, selection):
        rows.add_row(_marked(name, student), *_of_student(student))
    return rows


def corpus_notes(metrics: Mapping[str, Any], selection: str) -> Iterator[str]:
    """Yield a line for each corpus on which the student is degenerate."""
    for name, student in _students(metrics, selection):
        if flag := student.get("degenerate"):
            yield f"{DEGENERATE} the student is degenerate on {name}: {flag}"


def _students(metrics: Mapping[str, Any], selection: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the student's figures on each corpus apart, with the words for the corpus."""
    for role, words in (("corpora", ""), ("native", ", in its own classes"), ("external", ", only tested on")):
        for name, found in metrics.get(role, {}).items():
            yield f"{name}{words}", found["student"][selection]


def _empty_table(title: str, metrics: Mapping[str, Any]) -> Table:
    confidence = f"{100 * metrics['interval']['confidence']:g} %\ninterval"
    names = ("Sp", "Se\nstrict", "Score\nstrict", confidence, "Se\nlenient", "Score\nlenient")
    # Names are wrapped, so that a narrow terminal hides no digits.
    columns = [Column(""), *(Column(name, justify="right", no_wrap=True) for name in names)]
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
        yield from filter(None, [of_two_seeds([len(metrics["students"])])])
    names = compared_with(metrics["labelling"], metrics["baselines"])
    for name, found in metrics["student_minus"]["val"].items():
        row = found["score_strict"]
        if row["difference"] is not None:
            line = f"student − {names[name]}: {signed(row['difference'])} points of strict Score{limits(row)}"
            flag = f"; degenerate: {found['degenerate']}" if found["degenerate"] else ""
            yield f"{line}, p {p_value(row['p'])}{flag}"


def per_class(metrics: Mapping[str, Any]) -> str:
    """Return the recall of each class in words."""
    found = metrics["student"]["val"]["per_class"]
    parts = (f"{figure(found[name]['recall'])} % of {found[name]['n']} {name}" for name in metrics["classes"])
    return "the student finds " + ", ".join(parts) + "\n"


def further_metrics(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield the further metrics of the student, and its Scores per recording and per patient."""
    student, prevalence = metrics["student"]["val"], metrics["prevalence"]
    texts = {
        name: f"{words} {figure(student['further'][name]['mean'], 2 if name in ('mcc', 'kappa') else 1)}"
        for name, words in FURTHER_METRICS.items()
    }
    share = None if prevalence["value"] is None else 100 * prevalence["value"]
    yield "the student's " + ", ".join(texts[name] for name in ("macro_f1", "balanced_accuracy", "mcc", "kappa"))
    yield f"{texts['ppv']}, {texts['npv']} at a prevalence of {figure(share)} % abnormal ({prevalence['source']})"
    for level in ("by_recording", "by_patient"):
        found = student[level]
        scores = ", ".join(f"{figure(found[rule]['score_strict'])} by {rule}" for rule in ("majority", "max"))
        unit = level.removeprefix("by_")
        yield f"per {unit} ({found['n']}, {found['abnormal']} abnormal): strict Score {scores}"


def _marked(name: str, figures: Mapping[str, Any]) -> str:
    """Return the name of a model, with a mark if it is degenerate."""
    return f"{name} {DEGENERATE}" if figures.get("degenerate") else name


def _row(rows: Table, name: str, figures: Mapping[str, Any], style: str | None = None) -> None:
    low, high = figures.get("low", {}).get("score_strict"), figures.get("high", {}).get("score_strict")
    rows.add_row(
        _marked(name, figures),
        *(figure(figures[key]) for key in ("sp", "se_strict", "score_strict")),
        interval(low, high),
        *(figure(figures[key]) for key in ("se_lenient", "score_lenient")),
        style=style,
    )
