"""Every number in a table of the page against what predictions.parquet gives by other code (`recomputed`)."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from models.decision_rules import DecisionRule
from tasks.evaluation import decision_analysis
from tasks.evaluation.ensembles import over_k
from tasks.evaluation.predictions import Predictions, pool, table
from tasks.evaluation.summary import about, summarize
from tasks.evaluation.words import TWO_SEEDS
from tasks.reporting import page
from tasks.reporting.sections import registry
from tests.unit.tasks.evaluation.example import CLASSES, PUBLISHED, cycles, evaluator, facts, predict
from tests.unit.tasks.reporting import example, recomputed_figures, svg_figures
from tests.unit.tasks.reporting import recomputed_limits as limits
from tests.unit.tasks.reporting import recomputed_tables as tables
from tests.unit.tasks.reporting.html_tables import Tables

ROOT = Path(__file__).parents[4]
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
def root(tmp_path_factory):
    example.write(folder := tmp_path_factory.mktemp("run"))
    return folder


@pytest.fixture(scope="module")
def run(root):
    """Return predictions, and the tables of a page with two training corpora, an external one and published figures."""
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
    student = pool("student", parts[:2])
    labels = frame["label"].to_numpy().astype(np.int64)
    logits = [np.log(one.probabilities[0]) for one in parts if one.model in TEACHERS]
    plots = shown.plots | {
        "operating_points": decision_analysis.operating_curve([student], labels, CLASSES),
        "decision_curve": decision_analysis.decision_curve([student], labels),
        "ensemble_size": over_k({k: logits[:k] for k in range(1, len(logits) + 1)}, evaluator(frame), "val"),
    }
    shown = replace(shown, metrics=judged(frame, parts) | corpora, plots=plots)
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
    both = html[html.index("Over patients and seeds: Score") :].partition("</p>")[0]
    found = re.findall(r"(strict|lenient) ([\d.]+ to [\d.]+)", both)
    assert [definition for definition, _ in found] == [*tables.BOTH]
    wider = [limits.interval(rows, definition, seeds=True) for definition in tables.BOTH]
    assert [text for (_, text), values in zip(found, wider, strict=True) if differs(text, values)] == []
    assert wider[0] != of_strict
    assert len(NUMBER.findall(both.removesuffix(TWO_SEEDS))) == 4
    said = re.sub("<[^>]*>", "", html[html.index("<p>Of 100") :].partition(" A model")[0])
    assert not differs(said.replace("Of 100", ""), [sp[0], detected[0], se[0]])


@pytest.mark.slow
@pytest.mark.parametrize("label", recomputed_figures.FROM_PREDICTIONS)
def test_every_point_and_number_of_a_figure_follows_from_the_predictions(run, label):
    predicted, page_ = run
    shown = [one for one in svg_figures.figures(page_.html) if one.label == label]
    assert shown
    expected = recomputed_figures.FROM_PREDICTIONS[label](predicted, shown[0].texts)
    for figure in shown:
        assert figure.error() < 1e-6, "numbers of the axes are on a linear scale"
        assert [len(one) for one in figure.drawn] == [len(one) for one in expected.drawn]
        # Percentages are rounded to two decimals before they are drawn, other values to four.
        decimals = 2 if max(value for ticks in figure.axes for _, value in ticks) > 1 else 4
        for points, values in zip(figure.drawn, expected.drawn, strict=True):
            known = ~np.isnan(values)
            assert np.abs(np.subtract(points, values))[known].max() < 0.6 * 10**-decimals
        areas = [12 + 200 * n / max(expected.cycles) for n in expected.cycles]
        assert figure.discs == pytest.approx(areas, abs=0.01)
        for text in figure.texts:
            name = max((one for one in expected.numbers if text.startswith(one)), key=len, default="")
            assert not differs(text.removeprefix(name), expected.numbers.get(name, [])), text


@pytest.mark.slow
def test_figures_of_other_sources_draw_what_these_hold(run, root):
    shown = [one for one in svg_figures.figures(run[1].html) if one.label in recomputed_figures.FROM_OTHERS]
    cache = root / "data/fbank/efficientat/demo"
    means = np.load(cache / "features.npy").mean(axis=1, dtype=np.float64)
    index = pl.read_parquet(cache / "index.parquet").join(cycles().select("cycle_id", "device"), on="cycle_id")
    spectra = [index.filter(device=one)["row"].to_numpy() for one in ("Meditron", "LittC2SE")]
    lines = [list(enumerate(means[rows].mean(axis=0))) for rows in spectra]
    expected = {
        "Score over epochs": [[(2, 55)]] * 2,
        "Training loss over epochs": [[(1, 1.5), (2, 1)]],
        # The tables of the external corpus are those of the training corpus.
        "Mean feature of each corpus and device over the mel bins": lines * 2,
    }
    assert expected.keys() == recomputed_figures.FROM_OTHERS.keys()
    for figure in shown:
        for points, values in zip(figure.drawn, expected[figure.label], strict=True):
            assert np.abs(np.subtract(points, values)).max() < 1e-6
        known = ("student/1", "demo, LittC2SE")  # names
        assert not any(NUMBER.search(text) for text in figure.texts if text not in known)


@pytest.mark.slow
def test_every_figure_of_the_page_has_a_test_of_its_numbers(run):
    found = {figure.label for figure in svg_figures.figures(run[1].html)}
    assert found == {*recomputed_figures.FROM_PREDICTIONS, *recomputed_figures.FROM_OTHERS}
    assert not recomputed_figures.FROM_PREDICTIONS.keys() & recomputed_figures.FROM_OTHERS.keys()
    assert run[1].html.count("<svg") == len(svg_figures.figures(run[1].html))


@pytest.mark.slow
def test_the_twenty_lines_of_the_guide_give_the_numbers_of_the_page(run, root, monkeypatch):
    text = (ROOT / "docs/explanation/reading-the-report.md").read_text(encoding="utf-8")
    (code,) = re.findall("```python\n(.*?)```", text, re.DOTALL)
    assert len([line for line in code.splitlines() if line and "import" not in line]) <= 20
    monkeypatch.chdir(root)
    exec(code, found := {})  # noqa: S102 - code of this project's documents
    known = {f"{one['role']}, mean": one for one in found["mean"].filter(role="student").to_dicts()}
    known |= {one["model"].replace("student/", "student seed "): one for one in found["each"].to_dicts()}
    known = {name.replace("/", " ").replace("ensemble", "ensemble of teachers"): one for name, one in known.items()}
    rows = [row for row in run[1].rows("results") if row[1:2] != ["strict"] and len(row) == 8][1:]
    shown = {name.partition(" of 2")[0] if "mean" in name else name: row for name, *row in rows}
    assert known.keys() == {name for name in shown if not name.startswith("always")}
    for name, one in known.items():
        sp, strict, _, se, lenient, _, detected = shown[name]
        scores = [[one[f"score_{key}"], one.get(f"score_{key}_sd", np.nan)] for key in tables.BOTH]
        expected = [[one["sp"]], scores[0], [one["se_strict"]], scores[1], [one["se_lenient"]]]
        cells = zip((sp, strict, se, lenient, detected), expected, strict=True)
        assert [cell for cell, values in cells if differs(cell, values)] == []
    counts = [[int(NUMBER.findall(cell)[-1]) for cell in row[1:]] for row in run[1].rows("classes")[1:]]
    assert found["confusion"].tolist() == counts
    areas = [row[5] for row in run[1].rows("classes", 1)[1:]]
    assert not any(differs(cell, [value]) for cell, value in zip(areas, found["areas"], strict=True))


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
