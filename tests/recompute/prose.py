"""Numbers of the report outside of tables and figures: tiles, sentences and captions."""

import html
import re

import numpy as np
import polars as pl

from tests.recompute import explained, gallery, limits, mapped, others, scores, tables
from tests.recompute.html_page import ABOVE, text
from tests.recompute.numbers import numbers
from tests.recompute.run import Run

Values = list[float]
TILE = r'<div class="tile[^"]*">\s*<span>{}</span>(?P<n>.*?)</div>'
TILES = {
    "Score, strict": ("strict", "strict", None),
    "Score, lenient": ("lenient", "lenient", None),
    "Specificity": ("sp", "strict", 0),
    "Sensitivity, strict": ("se", "strict", 1),
    "Sensitivity, lenient": ("any", "lenient", 1),
}
# Texts with the level of the intervals, which replaces {}.
LEVEL = (r"{} %(?= intervals?\b)", r"(?<=<span>){} %(?=: )")
# Numbers that are the same on every page: the pattern of the sections, and that of the text.
CONSTANT = (
    ("results|decision_rules", r"a Score of 50\b"),
    ("results", r"one of 95 % held it in 87 %"),
    ("classes|further_metrics", r"F1"),
    ("classes", r"the area is 0\.5\b"),
    ("calibration", r"ECE: [^.]*, 0 to 1\."),
    ("calibration", r"Brier score: [^.]*, 0 to 2\."),
    ("calibration", r"a prediction with 70 % confidence is right in 70 % of the cases"),
    ("further_metrics", r"agreement beyond chance: 1 for perfect, 0 for chance"),
    ("groups", r"exclude 0 by\s+chance"),
    ("groups", r"undefined with fewer than 3 patients"),
    ("groups", r"†: fewer than 5 patients"),
    ("results", r"contains 0 shows no difference; a dash: fewer than 3 patients"),
    ("gallery", r"cut off at 4 kHz"),
    ("domains", r"quantile 0\.1 to 0\.9"),
    ("domains", r"at most 200 cycles"),
    ("maps", r"deletion below 0 and an insertion above 0"),
    ("maps", r"near 0 is good; near 1 means"),
    ("sharpness", r"The residual is 0 for an exact eigenvalue\. Above 0\.1 the eigenvalue"),
)


def tile(key: str, definition: str, place: int | None) -> tables.RecomputeText:
    """Return a function for a tile: a figure, its standard deviation, and its limits over patients."""

    def figure(run: Run, _: re.Match[str]) -> Values:
        rows = run.student
        span = limits.interval(rows, definition, run.level)
        if place is not None:
            span = limits.of_shares(rows, definition, run.level)[place]
        return [*tables.means(rows, tables.figures(key))[0], *span]

    return figure


def wider(run: Run, match: re.Match[str]) -> Values:
    return limits.interval(run.student, match["definition"], run.level, seeds=True)


def of_hundred(run: Run, _: re.Match[str]) -> Values:
    sp, detected, named = (one[0] for one in tables.means(run.student, tables.figures("sp", "any", "se")))
    return [100, sp, 100, detected, named]


def sizes(run: Run, _: re.Match[str]) -> Values:
    return [run.student[key].n_unique() for key in ("cycle_id", "patient_id", "recording_id")]


def shifts(run: Run, _: re.Match[str]) -> Values:
    return [run.evaluation["augmentation"]["shifts"]]


def folds(run: Run, _: re.Match[str]) -> Values:
    return [len(run.pools), len(run.pools)]


def prevalence(run: Run, _: re.Match[str]) -> Values:
    stated = run.evaluation["prevalence"]
    return [100 * ((run.student["label"] > 0).mean() if stated is None else stated)]


def units(run: Run, match: re.Match[str]) -> Values:
    rows = run.student.group_by(f"{match['unit']}_id").agg(abnormal=(pl.col("label") > 0).any())
    return [rows.height, rows["abnormal"].sum()]


def seeds(run: Run, _: re.Match[str]) -> Values:
    return [run.student["model"].n_unique()]


def more(run: Run, match: re.Match[str]) -> Values:
    """Return the number of values that a table of groups does not show."""
    titles = match["title"].partition(":")[0].split(" × ")
    values = [run.student[run.group(title)["column"]].n_unique() for title in titles]
    return [sum(max(number - tables.MOST, 0) for number in values)]


def target(run: Run, _: re.Match[str]) -> Values:
    """Return the Se that the rule was to reach, and what each network reached on its validation patients."""
    rules = [run.rule(name) for name in next(iter(run.names.values()))]
    known = [rule for rule in rules if rule.get("target") is not None]
    reached = [np.nan if one["reached"] is None else one["reached"] for one in known]
    missed = sum(not value >= round(known[0]["target"], 2) for value in reached)
    return [known[0]["target"], *reached, *([missed, len(reached)] if missed else [])]


def same(run: Run, match: re.Match[str]) -> Values:
    """Return the numbers in the values of columns of groups that have a single one."""
    known = []
    for group in run.facts["group_columns"]:
        values = run.student[group["column"]].unique().to_list()
        known += [f"{group['title'].lower()} {group['values'].get(values[0], values[0])}"] if len(values) == 1 else []
    if (expected := ", ".join(known)) != text(match["n"]):
        raise LookupError(f"all test cycles have {expected}")
    return numbers(expected)


def challenge(run: Run, match: re.Match[str]) -> Values:
    """Return the metrics of the corpus's own challenge on one corpus, in its own classes."""
    own = run.native.filter(pl.col("model").str.starts_with("student/"), corpus=match["name"], selection="val")
    known = run.label_sets[run.params["heads"][match["name"]]]
    each = [scores.challenge(part, known["classes"]) for part in scores.networks(own)]
    return [float(np.mean([one[name] for one in each])) for name in re.findall("[A-Z][A-Za-z]+", match["n"])]


def degenerate(run: Run, match: re.Match[str]) -> Values:
    """Return the numbers of the sentence on networks that are no classifiers.

    Raises:
        LookupError: Other networks are degenerate, or in other ways.
    """
    selection = match["selection"] or "val"
    seeds = {f"student seed {seed}": f"student/{seed}" for seed in run.params["student"]["seeds"]}
    others = [(name, networks[0]) for name, networks in run.names.items() if not name.startswith("student")]
    single = seeds | {name.removesuffix(", labels nothing"): network for name, network in others}
    rows = run.test.filter(selection=selection)
    kinds = {name: scores.degenerate(rows.filter(model=network)) for name, network in single.items()}
    expected = {f"{name}: {kind.format(*run.classes)}" for name, kind in kinds.items() if kind}
    if set(html.unescape(match["n"]).split("; ")) != expected:
        raise LookupError(f"degenerate are {'; '.join(sorted(expected)) or 'none'}")
    return numbers(match["n"])


def about_corpus(run: Run, match: re.Match[str]) -> Values:
    """Return the numbers in the statement and the banner of a corpus."""
    facts = next(one for one in run.corpora if one["name"] == match["name"])
    return numbers(f"{match['labels']}: {facts['identity']['statement']}. {facts['banner']}")


# The section, the pattern of the HTML, whose group `n` has the numbers, and the function that gives them.
PROSE: tuple[tuple[str, str, tables.RecomputeText], ...] = (
    (ABOVE, r"tested on (?P<n>\d.*? recordings\))", sizes),
    (ABOVE, r"(?P<n>mean of \d+ shifted clips)", shifts),
    *(("results", TILE.format(name), tile(*of)) for name, of in TILES.items()),
    ("results", r"(?P<definition>strict|lenient)\s(?P<n>\S+ to [\d.]+\d)", wider),
    ("results", r"<p>(?P<n>Of 100.*?) correctly", of_hundred),
    ("results", r"(?P<n>of each of \d+ folds, \d+ k networks)", folds),
    ("", r"<p class=\"muted\">Degenerate(?: \((?P<selection>paper)\))?: (?P<n>.*?)\. It means", degenerate),
    ("classes", r"(?P<n>its \d+ seeds together)", seeds),
    ("further_metrics", r"(?P<n>at a prevalence of abnormal cycles of [\d.]+ %)", prevalence),
    ("recordings", r"(?P<n>\d+ (?P<unit>recording|patient)s, \d+ of them abnormal)", units),
    ("groups", r"(?P<kept><h3>(?P<title>[^<]*)</h3>(?:(?!<h3>).)*?)Values with fewer cycles: (?P<n>\d+) more", more),
    ("groups", r"All test cycles have (?P<n>[^<]*)\.</p>", same),
    ("decision_rules", r"(?P<n>The rule was to reach a Se [^<]*)", target),
    ("corpora", r"(?P<kept><b>(?P<name>[^<]*)</b>(?:(?!</li>).)*)Metrics of its own challenge:(?P<n>[^<]*)", challenge),
    ("corpora", r"<li><b>(?P<name>[^<]*)</b>, labels (?P<n>(?P<labels>[^:]*):[^<]*)", about_corpus),
    *gallery.PROSE,
    *others.PROSE,
    *explained.PROSE,
    *mapped.PROSE,
)
