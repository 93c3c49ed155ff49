"""Section of published figures of the same labels and split, beside the run's own."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.evaluation.words import figure, spread
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.runtime.corpus_facts import Published

# The tables of published figures: definition of Se, choice of the epoch, title.
PUBLISHED_TABLES = (
    ("strict", "paper", "Strict, epoch chosen on the test set (paper)"),
    ("strict", "val", "Strict, epoch chosen without the test set"),
    ("lenient", "paper", "Lenient, epoch chosen on the test set (paper)"),
)


def content(run: RunResults) -> Mapping[str, Any] | None:
    """Return the values of the template; None where nothing published is comparable."""
    found = published_tables(run.metrics, run.facts.published)
    return {"published": found} if found else None


def published_tables(metrics: Mapping[str, Any], published: Iterable[Published]) -> list[dict[str, Any]]:
    """Return the tables of published figures of the run's labels and split, with the run's own figures.

    Each definition of Se and each selection of the epoch has a table of its own.
    """
    comparable = [row for row in published if (row.labels, row.split) == (metrics["labels"], metrics["split"])]
    tables = []
    for definition, selection, title in PUBLISHED_TABLES:
        rows = [row for row in comparable if (row.definition, row.selection) == (definition, selection)]
        own = metrics["student"].get(selection)
        score = own and own[f"score_{definition}"]
        student = own and {
            "degenerate": own["degenerate"],
            "sp": figure(own["sp"]["mean"], 2),
            "se": figure(own[f"se_{definition}"]["mean"], 2),
            "score": spread(score["mean"], score["sd"], 2),
        }
        tables.append({"title": title, "definition": definition, "own": student, "rows": rows})
    return tables if comparable else []


SECTION = Section(title="Published figures", order=900, content=content)
