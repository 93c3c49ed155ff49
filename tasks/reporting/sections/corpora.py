"""Section of the results by corpus: test sides of training corpora, their own heads, and external corpora."""

from collections.abc import Mapping
from typing import Any

from tasks.reporting.figures import scores
from tasks.reporting.model_rows import marked, of_selection
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section

# The tables of figures by corpus: their key in metrics.json, and their title.
CORPUS_TABLES = (
    ("corpora", "Test side of each training corpus"),
    ("native", "Test side of each training corpus, by its own head in its own classes"),
    ("external", "External corpora"),
)


def content(run: RunResults) -> Mapping[str, Any] | None:
    """Return the values of the template; None for one corpus."""
    found = corpus_tables(run.metrics)
    return {"corpora": found} if found else None


def corpus_tables(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of figures by corpus: of training corpora, of their own heads, and of external corpora.

    Each has a title, the rows of the student on each corpus, and a picture.
    """
    tables = []
    for key, title in CORPUS_TABLES:
        found = metrics.get(key, {})
        if not found:
            continue
        rows = {name: {"about": one, "figures": of_selection(one, "val")[0][1]} for name, one in found.items()}
        sized = [(_sized(name, row), row["figures"]) for name, row in rows.items()]
        tables.append({"title": title, "rows": rows, "picture": scores(sized, f"Scores: {title.lower()}")})
    return tables


def _sized(name: str, row: Mapping[str, Any]) -> str:
    """Return the name of a corpus with its size, and with the word degenerate if the student is degenerate on it."""
    test = row["about"]["test"]
    return f"{marked(name, row['figures']['degenerate'])}  ({test['cycles']} cycles, {test['patients']} pat.)"


SECTION = Section(title="Results by corpus", order=300, content=content)
