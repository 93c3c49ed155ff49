"""Sections, tables, rows, columns, tiles, sentences and figures that the page of a run must have, and no others."""

import re
from collections.abc import Iterator
from itertools import combinations

import polars as pl

from tests.recompute import explained, mapped, others, tables
from tests.recompute.headings import TITLES
from tests.recompute.html_page import ABOVE, ExpectedTable
from tests.recompute.run import ALWAYS, Run

ORDER = (ABOVE, *TITLES)
TILES = ("Score, strict", "Score, lenient", "Specificity", "Sensitivity, strict", "Sensitivity, lenient")
CHALLENGE = ("AS", "HS", "SE", "SP", "Score")
CORPORA = ("Test side of each training corpus", ", by its own head in its own classes", "External corpora")
PUBLISHED = {
    ("strict", "paper"): "Strict, epoch chosen on the test set (paper)",
    ("strict", "val"): "Strict, epoch chosen without the test set",
    ("lenient", "paper"): "Lenient, epoch chosen on the test set (paper)",
}


def sections(run: Run) -> list[str]:
    """Return the ids of the sections in their order."""
    known = explained.of_run(run)
    there = {
        "comparisons": bool(run.sides),
        "corpora": any(_corpora(run)),
        "groups": bool(run.facts["group_columns"]),
        "embeddings": "models" in known.get("embeddings", {}),
        "maps": bool(known.get("maps", {}).get("models")),
        "sharpness": bool(known.get("sharpness", {}).get("models")),
        "published": bool(_published(run)),
    }
    return [name for name in ORDER if there.get(name, True)]


def of_section(run: Run, name: str) -> tuple[list[ExpectedTable], list[str]]:
    """Return the tables of a section, and the text alternatives of its figures, in their order."""
    return list(TABLES[name](run)) if name in TABLES else [], list(FIGURES[name](run)) if name in FIGURES else []


def sentences(run: Run, section: str) -> list[str]:
    """Return patterns of the heading, sentences and tiles of a section, of which each must be there once."""
    tiles = [rf'<div class="tile[^"]*">\s*<span>{one}</span>' for one in TILES]
    known = {
        ABOVE: [r"tested on \d.*? recordings\)", _navigation(run)],
        "results": [*tiles, "<p>Of 100 ", *(["Over patients and seeds: Score"] if len(run.seeds) > 1 else ())],
        "further_metrics": ["at a prevalence of abnormal cycles of"],
        "recordings": [r"\d+ recordings, \d+ of them abnormal", r"\d+ patients, \d+ of them abnormal"],
        "gallery": [r"Test cycles of \S+ as input"],
    }
    title = [f"<h2[^>]*>{re.escape(TITLES[section])}</h2>"] if section in TITLES else []
    return [*title, *known.get(section, [])]


def _navigation(run: Run) -> str:
    """Return the pattern of the links to all sections, in their order."""
    links = [f'<a href="#{name}">{TITLES[name]}</a>' for name in sections(run)[1:]]
    return f"<nav[^>]*>{''.join(links)}</nav>"


def _models(run: Run, selection: str = "val", *, seeds: bool = True) -> list[str]:
    """Return the names of the rows for each model, with marks of degenerate networks."""
    names = [name for name in run.names if seeds or not name.startswith("student seed")]
    return [run.marked(name, run.of(name, selection)) for name in names]


def _results(run: Run) -> Iterator[ExpectedTable]:
    limits = f"{100 * run.level:g} % interval"
    own = run.facts["format"] and run.facts["format"].partition("_")[0] == run.params["labels"].partition("_")[0]
    measured = [name for name in CHALLENGE if own and name in run.facts["challenge_metrics"]]
    for selection in run.params["selections"]:
        title = f"Epoch chosen on {'validation patients' if selection == 'val' else 'the test set'}"
        names = _models(run, selection)
        rows = [*names, f"{ALWAYS}{run.classes[0]}”"]
        yield ExpectedTable(title, ["Sp", *("Score", limits, "Se") * 2], [(name,) for name in rows])
        if measured:
            yield ExpectedTable(f"Metrics of the corpus's own challenge ({selection})", measured, [(n,) for n in names])
    if run.sides:
        kinds = [" networks fixed", *([" patients and seeds"] if len(run.seeds) > 1 else ())]
        rows = [(name + kind,) for name in _sides(run) for kind in kinds]
        yield ExpectedTable("The student minus its teachers", ["strict", limits, "lenient", limits], rows)


def _sides(run: Run) -> list[str]:
    """Return the names of what the student is compared with, sorted, with marks of degenerate networks."""
    return [run.marked(name, pl.concat([run.student, run.of(name)])) for name in sorted(run.sides)]


def _comparisons(run: Run) -> Iterator[ExpectedTable]:
    columns = ["Score", "difference", "p by patient", "pairs of networks", "p of McNemar"]
    yield ExpectedTable("Differences in", columns, [(name, kind) for name in _sides(run) for kind in tables.BOTH])


def _classes(run: Run) -> Iterator[ExpectedTable]:
    rows = [(name,) for name in run.classes]
    yield ExpectedTable("Confusion matrix", run.classes, rows)
    yield ExpectedTable("Figures of", ["cycles", "recall", "precision", "F1", "ROC area", "AP"], rows)


def _further_metrics(run: Run) -> Iterator[ExpectedTable]:
    yield ExpectedTable("PPV", ["macro-F1", "UAR", "MCC", "κ", "PPV", "NPV"], [(name,) for name in _models(run)])


def _corpora(run: Run) -> list[dict[str, pl.DataFrame]]:
    """Return the predictions on training corpora, on those with own heads, and on external ones."""
    rows = (run.test if run.facts["parts"] else run.test.clear(), run.native, run.external)
    return [tables.corpora(run, one) for one in rows]


def _corpus_titles(run: Run) -> dict[str, dict[str, pl.DataFrame]]:
    titles = (CORPORA[0], CORPORA[0] + CORPORA[1], CORPORA[2])
    return {title: parts for title, parts in zip(titles, _corpora(run), strict=True) if parts}


def _of_corpora(run: Run) -> Iterator[ExpectedTable]:
    limits = f"{100 * run.level:g} % interval"
    columns = ["test", "cycles", "patients", "Score strict", limits, "Score lenient", limits, "Sp", "Se strict"]
    for title, parts in _corpus_titles(run).items():
        yield ExpectedTable(title, [*columns, "Se lenient"], [(name,) for name in parts])


def _recordings(run: Run) -> Iterator[ExpectedTable]:
    columns = ["rule", "Sp", "Se strict", "Score strict", "Se lenient", "Score lenient"]
    rows = [(name, rule) for name in _models(run) for rule in ("majority", "max")]
    yield from (ExpectedTable(f"Per {unit} ", columns, rows) for unit in ("recording", "patient"))


def _several(run: Run) -> list[dict]:
    """Return the columns of groups that have several values."""
    return [one for one in run.facts["group_columns"] if run.student[one["column"]].n_unique() > 1]


def _groups(run: Run) -> Iterator[ExpectedTable]:
    columns = ["cycles", "patients", "Sp", "Se strict", "Score strict", "Se lenient", "Score lenient", "gap"]
    for group in _several(run):
        yield ExpectedTable(group["title"], columns, [(name,) for name in tables.values_of(run, group)])
    for pair in combinations(_several(run), 2):
        values = [[name.removesuffix(tables.MARK) for name in tables.values_of(run, one)] for one in pair]
        down = int(len(values[0]) < len(values[1]))
        title = f"{pair[down]['title']} × {pair[1 - down]['title'].lower()}:"
        yield ExpectedTable(title, values[1 - down], [(name,) for name in values[down]])


def _decision_rules(run: Run) -> Iterator[ExpectedTable]:
    columns = ["rule", "Sp", "Se strict", "Score strict", "minus argmax", "Score lenient"]
    names = [name for name in run.names if not name.startswith("student seed")]
    rows = [(name, rule) for name in names for rule in sorted(run.thresholds(run.of(name)))]
    yield ExpectedTable("Figures of each rule", columns, rows)


def _calibration(run: Run) -> Iterator[ExpectedTable]:
    columns, scaled = ["ECE", "Brier score", "loss"], {name for name in run.names if run.temperatures(run.of(name))}
    models = dict(zip(run.names, _models(run), strict=True))
    yield ExpectedTable("", columns, [(name,) for name in models.values()])
    if rows := [(name,) for key, name in models.items() if key in scaled]:
        yield ExpectedTable("With the temperature", ["T", *columns], rows)


def _training(run: Run) -> Iterator[ExpectedTable]:
    columns = ["network", "front end", "initial weights", "parameters", "seed"]
    epochs = [f"epoch ({name})" for name in run.params["selections"]]
    yield ExpectedTable("", [*columns, *epochs], [(name,) for name in run.networks])


def _domains(run: Run) -> Iterator[ExpectedTable]:
    columns = ["recordings", "patients", "cycles", "normal", "level, dBFS", "cycle, s", "rates, Hz"]
    yield ExpectedTable("", columns, [(name,) for name, *_ in others.domains_of(run)])


def _data_checks(run: Run) -> Iterator[ExpectedTable]:
    known = others.verdicts(run)
    columns = ["verdict", "expectations", "hold", "warnings", "errors", "Data Docs"]
    yield ExpectedTable("", columns, [(title,) for title in known])
    for title, found in known.items():
        failing = [one for one in found["expectations"] if not one["success"]][: others.MOST_FAILING]
        rows = [(one["meaning"], one["fails_for"], one["severity"]) for one in failing]
        if rows:
            yield ExpectedTable(f"{title}: ", ["fails for", "severity"], rows)


def _published(run: Run) -> list[dict]:
    same = {"labels": run.params["labels"], "split": run.split}
    return [one for one in run.facts["published"] if same.items() <= one.items()]


def _of_published(run: Run) -> Iterator[ExpectedTable]:
    for (definition, selection), title in PUBLISHED.items():
        of = {"definition": definition, "selection": selection}
        known = selection in run.params["selections"]
        own = run.of(next(iter(run.names)), selection)
        first = run.marked("this run, student", own) if known else "this run has no such figures (selections: paper)"
        rows = [(first,), *((one["method"],) for one in _published(run) if of.items() <= one.items())]
        yield ExpectedTable(title, ["Sp", f"Se {definition}", "Score"], rows)


def _both_widths(labels: list[str]) -> list[str]:
    """Return text alternatives of figures that are drawn for wide and for narrow pages."""
    return [label for label in labels for _ in range(2)]


def _figures_of_results(run: Run) -> list[str]:
    several = min(map(len, run.pools), default=0) > 1
    over_k = ["Score over the number of teachers that label a cycle"] if several else []
    return _both_widths(["Strict and lenient Score of each model, with intervals", *over_k])


def count(html: str, pattern: str) -> int:
    """Return how often a pattern is in the HTML of a section."""
    return len(re.findall(pattern, html, re.DOTALL))


TABLES = {
    "results": _results,
    "comparisons": _comparisons,
    "classes": _classes,
    "further_metrics": _further_metrics,
    "corpora": _of_corpora,
    "recordings": _recordings,
    "groups": _groups,
    "decision_rules": _decision_rules,
    "calibration": _calibration,
    "embeddings": explained.embedding_tables,
    "maps": mapped.map_tables,
    "sharpness": explained.sharpness_tables,
    "training": _training,
    "domains": _domains,
    "data_checks": _data_checks,
    "published": _of_published,
}
FIGURES = {
    "results": _figures_of_results,
    "classes": lambda _: [f"{name} of each class against the rest" for name in ("ROC curve", "Precision over recall")],
    "corpora": lambda run: _both_widths([f"Scores: {title.lower()}" for title in _corpus_titles(run)]),
    "groups": lambda run: _both_widths([f"Scores by {one['title'].lower()}" for one in _several(run)]),
    "decision_rules": lambda _: [
        "Strict sensitivity over specificity, with the operating point of each rule",
        "Net benefit over the threshold probability",
    ],
    "calibration": lambda _: ["Accuracy over confidence"],
    "embeddings": explained.embedding_figures,
    "maps": mapped.map_figures,
    "sharpness": explained.sharpness_figures,
    "training": lambda _: list(others.EPOCHS),
    "domains": lambda _: _both_widths(["Mean feature of each corpus and device over the mel bins"]),
}
