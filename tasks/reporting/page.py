"""Page of the report: HTML without external files, made of the sections that have something to show."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tasks.evaluation.words import augmentation, figure, interval, signed
from tasks.reporting.accessibility import with_roles
from tasks.reporting.model_rows import marked
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Block, Section
from tasks.reporting.sections import provenance, registry
from tasks.runtime import templates

FILTERS: Mapping[str, Callable[..., str]] = {
    "figure": figure,
    "marked": marked,
    "signed": signed,
    "range": partial(interval, to=" to "),
}


def render(run: RunResults) -> str:
    """Return the page as HTML: equal results give equal bytes.

    Raises:
        BreathlineError: A section reads a result that is missing or damaged.
    """
    sections = registry.read()
    bodies = {name: _body(name, section, run) for name, section in sections.items()}
    return templates.render(
        __package__,
        "page.html.j2",
        filters=FILTERS,
        run=run,
        metrics=run.metrics,
        augmentation=augmentation(run.metrics),
        origin=provenance.headline(run),
        sections=[(name, sections[name].title, body) for name, body in bodies.items() if body],
        training_corpora=[part.name for part in run.facts.parts or (run.facts,)],
    )


def render_blocks(template: str, sections: Mapping[str, tuple[str, Sequence[Block]]], **values: Any) -> str:
    """Return another page in the look of the report.

    Args:
        template: Template that extends ``page.html.j2``.
        sections: Title and blocks of each section, by its name in links.
        values: Variables of the template.
    """
    bodies = []
    for name, (title, blocks) in sections.items():
        html = templates.render(__package__, "blocks.html.j2", filters=FILTERS, blocks=blocks)
        bodies.append((name, title, with_roles(html, title)))
    return templates.render(__package__, template, filters=FILTERS, sections=bodies, **values)


def _body(name: str, section: Section, run: RunResults) -> str | None:
    """Return the HTML of one section, or None if it has nothing to show."""
    found = section.content(run)
    if found is None or (not isinstance(found, Mapping) and not found):
        return None
    template = f"sections/{name}.html.j2" if isinstance(found, Mapping) else "blocks.html.j2"
    values: dict[str, Any] = {"run": run, "metrics": run.metrics, "confidence": run.confidence}
    values |= found if isinstance(found, Mapping) else {"blocks": found}
    return with_roles(templates.render(__package__, template, filters=FILTERS, **values), section.title)
