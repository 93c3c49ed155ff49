"""Rows and notes of a comparison of runs as texts, for the terminal and the page."""

from collections.abc import Iterator, Mapping
from typing import Any

from flows.run_comparison.comparison import SELECTION, Compared, Comparison
from flows.run_comparison.sources import Source
from tasks.evaluation.words import (
    MISSING,
    SELECTIONS,
    difference,
    figure,
    flagged,
    interval,
    of_two_seeds,
    spread,
)
from tasks.reporting.model_rows import marked
from tasks.runtime.words import counted, shortened

MOST = 5  # changed parameters that the terminal lists for each run
LONGEST = 40  # characters of a value


def headers(comparison: Comparison, definition: str) -> list[str]:
    """Return the titles of the columns of `rows`."""
    limits = f"{100 * comparison.confidence:g} % interval"
    minus = f"minus {comparison.first.title}"
    return ["run", "seeds", f"Score {definition}", limits, "Sp", f"Se {definition}", minus, "changed"]


def rows(comparison: Comparison, definition: str) -> list[list[str]]:
    """Return a row of texts for each run.

    Args:
        comparison: The comparison.
        definition: Definition of the Se: `strict` or `lenient`.
    """
    others: dict[str, Compared] = {one.source.name: one for one in comparison.others}
    return [_row(source, others.get(source.name), comparison.first, definition) for source in comparison.sources]


def _row(source: Source, compared: Compared | None, first: Source, definition: str) -> list[str]:
    flag = "; degenerate" if degenerate(source) or degenerate(first) else ""
    student = source.metrics["student"][SELECTION]
    score = student[f"score_{definition}"]
    minus = compared.scores.get(f"score_{definition}") if compared else None
    return [
        flagged(source.title, degenerate(source)),
        str(len(source.metrics["students"])),
        spread(score["mean"], score["sd"]),
        interval(score["low"], score["high"]),
        figure(student["sp"]["mean"]),
        figure(student[f"se_{definition}"]["mean"]),
        difference(minus) + flag if minus else "" if compared is None else MISSING,
        "" if compared is None else MISSING if compared.changed is None else str(len(_changes(compared))),
    ]


def degenerate(source: Source) -> str | None:
    """Return how the students of a run are degenerate, in words; None if they are not."""
    found = source.metrics["student"][SELECTION].get("degenerate")
    return None if found is None else str(found)


def shown(source: Source) -> str:
    """Return the title of a run for figures and columns, with the word degenerate if it is."""
    return marked(source.title, degenerate(source))


def minus_first(compared: Compared, first: Source) -> str:
    """Return the title of a run whose differences from the first one follow; a degenerate first run is named, too."""
    return shown(compared.source) + (f" minus {shown(first)}" if degenerate(first) else "")


def about(comparison: Comparison) -> str:
    """Return what was evaluated."""
    metrics = comparison.first.metrics
    tested = f"tested on {metrics['test']['cycles']} cycles of {metrics['test']['patients']} patients"
    chosen = f"{SELECTIONS[SELECTION]} ({SELECTION})"
    return f"{metrics['identity']} · {metrics['labels']} · split {metrics['split']} · {tested} · {chosen}"


def notes(comparison: Comparison) -> Iterator[str]:
    """Yield the notes below the tables: missing differences, intervals, degenerate models, and what is compared."""
    for one in comparison.others:
        if one.unpaired:
            yield f"{one.source.title}: no paired difference, because {one.unpaired}."
        if (labels := one.source.metrics["labels"]) != comparison.first.metrics["labels"]:
            yield f"{one.source.title}: its labels are {labels}, so that its Scores cannot be compared."
    for source in comparison.sources:
        if source.mismatch:
            yield f"{source.title}: its figures are of other predictions ({source.mismatch}). Evaluate it again."
        own, first = (one.metrics.get("interval", {}) for one in (source, comparison.first))
        if source.predictions.is_empty() and own != first:
            about = f"{100 * own.get('confidence', 0):g} %, {own.get('method', 'method unknown')}"
            yield f"{source.title}: its interval is not comparable. It is from its own metrics.json ({about})."
    if flags := [source.title for source in comparison.sources if degenerate(source)]:
        yield f"Degenerate, so that a difference does not compare two classifiers: {', '.join(flags)}."
    pooled = {name for source in comparison.sources for name in source.metrics.get("corpora", {})}
    if pooled:
        yield f"The test cycles of several corpora are taken together: {', '.join(sorted(pooled))}."
    if any(source.metrics.get(key) for source in comparison.sources for key in ("external", "native")):
        yield (
            "External corpora and the own classes of each corpus are not compared here: "
            "see reports/report.html of each run, and `breathline leaderboard` for external corpora."
        )
    yield (
        "In percent; ±: standard deviation over seeds. Intervals of a Score are over patients, with networks fixed. "
        "Differences in points, paired over the test patients: in "
        "parentheses with networks fixed, in brackets over patients and seeds. They are not corrected for their number."
    )
    if any(one.scores for one in comparison.others):
        yield from filter(None, [of_two_seeds(len(source.metrics["students"]) for source in comparison.sources)])


def changes(compared: Compared) -> Iterator[str]:
    """Yield the changed settings of a run in words; at most `MOST`, and the number of the others."""
    found = _changes(compared)
    for key, (old, new) in list(found.items())[:MOST]:
        yield f"{key}: {old} → {new}"
    if len(found) > MOST:
        yield f"and {counted(len(found) - MOST, 'more change')}"


def settings(comparison: Comparison) -> list[list[str]]:
    """Return a row for each setting in which runs differ: its key, and its value in each run."""
    keys = dict.fromkeys(key for one in comparison.others for key in _changes(one))
    return [[key, *(_value(source.parameters, key) for source in comparison.sources)] for key in sorted(keys)]


def _changes(compared: Compared) -> dict[str, tuple[str, str]]:
    """Return old and new value of each differing setting as texts, by key."""
    found = compared.changed
    if found is None:
        return {}
    keys = sorted([*found.added, *found.removed, *found.changed])
    here, there = compared.reference, compared.source.parameters
    return {key: (_value(here, key), _value(there, key)) for key in keys}


def _value(parameters: Mapping[str, Any] | None, key: str) -> str:
    """Return the value of a setting as short text."""
    if parameters is None or key not in parameters:
        return MISSING
    return shortened(parameters[key], LONGEST)
