import json

import pytest

from flows.publish import scores
from tasks import artifacts
from tests.unit.flows.publish.rendered import cells

FIGURES = ("score_strict", "score_lenient", "sp", "se_strict", "se_lenient")


def written(folder, student, *, split="official", **others):
    """Write what `evaluate` does, of a student and other models, with intervals of a point to each side."""
    models = {"student": student, **others}
    reports = folder / "reports"
    reports.mkdir(exist_ok=True)
    named = {model: dict(zip(FIGURES, values, strict=False)) for model, values in models.items()}
    (reports / "scores.json").write_text(json.dumps({"val": named}))
    known = {figure: value for figure, value in named["student"].items() if value is not None}
    spread = {figure: {"mean": value, "low": value - 1, "high": value + 1} for figure, value in known.items()}
    undefined = {figure: {"mean": None, "low": None, "high": None} for figure in FIGURES}
    metrics = {"corpus": "demo", "labels": "lungsound_4", "split": split, "test": {"cycles": 25, "patients": 6}}
    metrics |= {"interval": {"confidence": 0.95}, "student": {"val": undefined | spread}}
    for model in others:
        low, high = ({f: v + by for f, v in named[model].items()} for by in (-1, 1))
        metrics[model] = {"val": {"low": low, "high": high}}
    (reports / "metrics.json").write_text(json.dumps(metrics))


def table(folder, before):
    return scores.show(scores.read(folder), before, scores.read_metrics(folder))


def test_each_figure_has_its_interval_and_change_strict_first(tmp_path):
    written(tmp_path, [40.0, 50.0, 60.0, 20.0, 40.0])
    before = scores.read(tmp_path)
    written(tmp_path, [41.25, 50.0, 57.5, 25.0, None], ensemble=[45.0, 55.0])
    text = table(tmp_path, before)
    said = scores.headline(scores.read(tmp_path), before, scores.read_metrics(tmp_path))
    assert said == "Score of student (val): 41.25 strict (▲ +1.25), 50.00 lenient (=)."
    measured = "on 25 test cycles of 6 patients: corpus `demo`, labels `lungsound_4`, split `official`"
    assert text.startswith(f"In percent, {measured}.\n")
    assert cells(text) == [
        ["model", "figure", "now", "95 % interval", "before", "change"],
        ["student (val)", "Score, strict", "41.25", "40.25 to 42.25", "40.00", "▲ +1.25"],
        ["student (val)", "Score, lenient", "50.00", "49.00 to 51.00", "50.00", "="],
        ["student (val)", "Sp", "57.50", "56.50 to 58.50", "60.00", "▼ −2.50"],
        ["student (val)", "Se, strict", "25.00", "24.00 to 26.00", "20.00", "▲ +5.00"],
        ["student (val)", "Se, lenient", "", "", "40.00", ""],
        ["ensemble (val)", "Score, strict", "45.00", "44.00 to 46.00", "", ""],
        ["ensemble (val)", "Score, lenient", "55.00", "54.00 to 56.00", "", ""],
    ]


def test_figures_on_an_external_corpus_have_its_name_and_interval(tmp_path):
    written(tmp_path, [40.0, 50.0])
    for name in ("scores", "metrics"):
        path = tmp_path / f"reports/{name}.json"
        found = json.loads(path.read_text())
        path.write_text(json.dumps(found | {"external": {"hospital": found}}))
    rows = cells(table(tmp_path, None))
    assert ["student (val) on hospital", "Score, strict", "40.00", "39.00 to 41.00", "", ""] in rows
    assert scores.headline(scores.read(tmp_path), None, {}).startswith("Score of student (val): 40.00 strict")


def test_degenerate_models_are_named(tmp_path):
    written(tmp_path, [50.0, 50.0], ensemble=[45.0, 55.0])
    path = tmp_path / artifacts.METRICS
    found = json.loads(path.read_text())
    found["student"]["val"]["degenerate"] = "always normal: student/3"
    found["ensemble"]["val"]["degenerate"] = "never normal"
    path.write_text(json.dumps(found))
    said = scores.headline(scores.read(tmp_path), None, found)
    assert said == "Score of student (val): 50.00 strict, 50.00 lenient. Degenerate: always normal: student/3."
    names = {row[0] for row in cells(table(tmp_path, None))[1:]}
    assert names == {
        "student (val) (degenerate: always normal: student/3)",
        "ensemble (val) (degenerate: never normal)",
    }
    before = scores.read(tmp_path)
    written(tmp_path, [52.0, 50.0], ensemble=[45.0, 55.0])
    said = scores.headline(scores.read(tmp_path), before, scores.read_metrics(tmp_path))
    assert said.endswith("52.00 strict (▲ +2.00), 50.00 lenient (=). Degenerate before: always normal: student/3.")
    earlier = [row[4:] for row in cells(table(tmp_path, before))]
    assert earlier[1] == ["50.00 (degenerate: always normal: student/3)", "▲ +2.00"]


def test_a_model_that_is_no_longer_measured_is_named(tmp_path):
    written(tmp_path, [40.0, 50.0], ensemble=[45.0, 55.0])
    before = scores.read(tmp_path)
    written(tmp_path, [40.0, 50.0])
    assert "No longer measured: ensemble (val)." in table(tmp_path, before)


def test_scores_on_another_split_are_not_compared(tmp_path):
    written(tmp_path, [40.0, 50.0])
    before = scores.read(tmp_path)
    written(tmp_path, [60.0, 70.0], split="0")
    text = table(tmp_path, before)
    assert "The last run cannot be compared: it measured on" in text
    assert [row[4:] for row in cells(text)[1:]] == [["", ""], ["", ""]]


@pytest.mark.parametrize("text", [None, "<<<<<<< HEAD\n{}"])
def test_missing_or_broken_scores_are_none(tmp_path, text):
    if text is not None:
        (tmp_path / "reports").mkdir()
        (tmp_path / artifacts.SCORES).write_text(text)
    assert scores.read(tmp_path) is None
