"""Every number in a table of the page against what predictions.parquet gives by other code (`recomputed`)."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from models.decision_rules import DecisionRule
from tasks.evaluation.predictions import Predictions, table
from tasks.evaluation.summary import about, summarize
from tasks.reporting import page
from tasks.reporting.sections import registry
from tests.unit.tasks.evaluation.example import CLASSES, PUBLISHED, cycles, evaluator, facts, predict
from tests.unit.tasks.reporting import example
from tests.unit.tasks.reporting import recomputed_limits as limits
from tests.unit.tasks.reporting import recomputed_tables as tables
from tests.unit.tasks.reporting.html_tables import Tables

RULE = DecisionRule(strict=0.41, lenient=0.27, temperature=1.6)
TEACHERS = ["teacher/a", "teacher/b"]
NUMBER = re.compile(r"[+−-]?\d[\d,]*(?:\.\d+)?")


def predictions(frame: pl.DataFrame, first_seed: int) -> list[Predictions]:
    """Return predictions of all models on some cycles, by models with thresholds and a temperature."""
    found = [predict(name, frame, first_seed + at, skill) for at, (name, skill) in enumerate(example.SKILLS.items())]
    return [Predictions(one.model, one.selection, one.probabilities, (RULE,)) for one in found]


def judged(frame: pl.DataFrame, parts: list[Predictions]) -> dict:
    """Return the figures of all models on some cycles."""
    return summarize(evaluator(frame), parts, about(facts(PUBLISHED), "lungsound_4", "official"), TEACHERS)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return predictions, and the tables of a page with two training corpora, an external one and published figures."""
    example.write(root := tmp_path_factory.mktemp("run"))
    frame = cycles().with_columns(corpus=pl.col("sex").replace_strict({"F": "one", "M": "other"}))
    theirs = cycles(6).with_columns(corpus=pl.lit("theirs"))
    parts, on_theirs = predictions(frame, 0), predictions(theirs, 50)
    for name, one, cycles_of in (("predictions", parts, frame), ("external", on_theirs, theirs)):
        pq.write_table(table(one, cycles_of, CLASSES), root / "data/evaluation" / f"{name}.parquet")
    by_corpus = {
        name: judged(frame.filter(pl.col("corpus") == name), [one.select(frame["corpus"] == name) for one in parts])
        for name in ("one", "other")
    }
    corpora = {"corpora": by_corpus, "external": {"theirs": judged(theirs, on_theirs)}}
    shown = example.results(root, PUBLISHED)
    shown = replace(shown, metrics=judged(frame, parts) | corpora)
    known = frame.select("cycle_id", "device", "sex")
    read = [pl.read_parquet(root / "data/evaluation" / f"{name}.parquet") for name in ("predictions", "external")]
    rules = {"strict": RULE.strict, "lenient": RULE.lenient}
    return tables.Run(read[0].join(known, on="cycle_id"), read[1], rules, RULE.temperature), Tables(page.render(shown))


def differs(cell: str, values: list[float]) -> bool:
    """Return whether the numbers of a cell are not these values, rounded to as many decimals; NaN is not shown."""
    shown, expected = NUMBER.findall(cell), [value for value in values if not np.isnan(value)]
    if len(shown) != len(expected):
        return True
    for text, value in zip(shown, expected, strict=True):
        tolerance = 0.56 * 10 ** -len(text.partition(".")[2])  # figures are rounded twice
        below = f"< {text}" in cell and value < float(text)
        if not below and abs(float(text.replace("−", "-").replace(",", "")) - value) > tolerance:
            return True
    return False


@pytest.mark.parametrize(
    ("cell", "values", "wrong"),
    [
        ("66.7 ± 3.2", [66.7, 3.23], False),
        ("66.7 ± 3.2", [66.7, 3.3], True),
        ("66.7", [66.7, 3.2], True),
        ("−1.0 to +30.3", [-1.03, 30.3], False),
        ("–", [np.nan], False),
        ("–", [0.0], True),
        ("< 0.001 to 0.371", [0.0004, 0.371], False),
        ("0.001", [0.002], True),
    ],
)
def test_a_number_is_compared_to_its_last_decimal(cell, values, wrong):
    assert differs(cell, values) == wrong


@pytest.mark.slow  # a page is rendered: 3 s
@pytest.mark.parametrize("section", tables.FROM_PREDICTIONS)
def test_every_number_of_a_table_follows_from_the_predictions(run, section):
    predicted, shown = run
    assert len(shown.found[section]) == len(tables.FROM_PREDICTIONS[section]), "tables that are recomputed"
    wrong, count = [], 0
    for number, recompute in enumerate(tables.FROM_PREDICTIONS[section]):
        header, *rows = [row for row in shown.rows(section, number) if row[1:2] != ["strict"] or row[0]]
        if section == "results" and not number:
            header, *rows = rows
        for row in rows:
            expected = recompute(predicted, header, row)
            assert len(expected) == len(row) - 1, (section, number, "columns that are recomputed", row)
            for title, cell, values in zip(header[1:], row[1:], expected, strict=True):
                count += len(NUMBER.findall(cell))
                if differs(cell, values):
                    wrong.append((section, number, row[0], title, cell, values))
    assert not wrong
    assert count


@pytest.mark.slow
def test_the_numbers_above_the_tables_follow_from_the_predictions(run):
    rows, html = run[0].student, run[1].html
    sp, strict, se, lenient, detected = tables.means(rows, tables.figures("sp", "strict", "se", "lenient", "any"))
    (of_sp, of_se), (_, of_any) = (limits.of_shares(rows, one) for one in tables.BOTH)
    of_strict, of_lenient = (limits.interval(rows, one) for one in tables.BOTH)
    expected = [strict + of_strict, lenient + of_lenient, sp + of_sp, se + of_se, detected + of_any]
    tiles = [re.sub("<[^>]*>", " ", tile) for tile in re.findall('<div class="tile[^>]*>(.*?)</div>', html, re.DOTALL)]
    shown = [tile.replace("95 %:", "") for tile in tiles]
    assert len(shown) == len(expected)
    assert [tile for tile, values in zip(shown, expected, strict=True) if differs(tile, values)] == []
    said = re.sub("<[^>]*>", "", html[html.index("<p>Of 100") :].partition(" A model")[0])
    assert not differs(said.replace("Of 100", ""), [sp[0], detected[0], se[0]])


@pytest.mark.slow
def test_the_numbers_of_a_network_are_those_of_its_card(run):
    _, (name, *cells) = run[1].rows("training")
    assert (name, cells[-3:]) == ("student/1", ["12,345", "1", "2"])  # parameters, seed, epoch
    assert NUMBER.findall(cells[0]) == ["0.1", "2.0", "1.0"]  # width, and seconds of windows


@pytest.mark.slow
def test_every_section_of_the_page_has_a_test_of_its_numbers(run):
    sources = {*tables.FROM_PREDICTIONS, *tables.FROM_OTHERS}
    assert not tables.FROM_PREDICTIONS.keys() & tables.FROM_OTHERS.keys()
    assert set(registry.read()) - sources == tables.WITHOUT_TABLES
    assert set(run[1].found) <= sources
    for _, module in tables.FROM_OTHERS.values():
        assert Path(__file__).with_name(module).is_file()
