"""Verdict, links and progress in the artifacts of a run."""

import pytest

from flows.publish import links, progress, verdict
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tests.unit.flows.publish.rendered import cells


def expectation(name, severity, *, success, first, distinct):
    shown = {"meaning": f"{name} | holds.", "hint": "mend it", "fails_for": "" if success else "2 of 9 cycles"}
    shown |= {"suite": "cycles", "name": name, "severity": severity, "success": success}
    return shown | {"first": first, "distinct": distinct}


DEMO, CLINIC = CorpusFolders("training", "demo"), CorpusFolders("external", "clinic")
RESULTS = {
    "corpus": "demo",
    "success": False,
    "totals": {"expectations": 3, "holding": 1, "warnings": 1, "errors": 1},
    "expectations": [
        expectation("not_short", "warning", success=False, first=["c1", "c2"], distinct=2),
        expectation("apart", "error", success=True, first=[], distinct=0),
        expectation("inside_audio", "error", success=False, first=["a_b", "c3", "c4", "c5"], distinct=4),
    ],
}


def test_failed_expectations_are_listed_with_hints_errors_first():
    text = verdict.show(DEMO, RESULTS, "failed")
    assert verdict.headline(RESULTS) == "✗ Failed: 1 of 3 expectations hold; 1 error, 1 warning."
    assert text.startswith("Corpus `demo`; the stage failed. Nothing is learned from these data.")
    assert "Data Docs: `reports/data_docs/demo/index.html`" in text
    assert cells(text)[1:] == [
        ["✗ error", "cycles.inside_audio\ninside_audio | holds.\n→ mend it", "2 of 9 cycles", "a_b\nc3\nc4\n…"],
        ["⚠ warning", "cycles.not_short\nnot_short | holds.", "2 of 9 cycles", "c1\nc2"],
    ]


def test_a_verdict_without_failures_has_no_table():
    good = RESULTS | {
        "success": True,
        "totals": {"expectations": 1, "holding": 1, "warnings": 0, "errors": 0},
        "expectations": [expectation("apart", "error", success=True, first=[], distinct=0)],
    }
    text = verdict.show(DEMO, good, "ran")
    assert verdict.headline(good) == "✓ Passed: 1 of 1 expectations hold; 0 errors, 0 warnings."
    assert text.startswith("Corpus `demo`; the stage ran.\n")
    assert cells(text) == []


def test_a_stage_that_failed_before_its_verdict_has_none(tmp_path):
    found = verdict.read(tmp_path, CLINIC)
    assert verdict.headline(found) == "No verdict."
    text = verdict.show(CLINIC, found, "failed")
    assert text.startswith("The stage `validate_external@clinic` failed before it wrote a verdict")


def test_existing_reports_have_links_to_a_configured_web_server(tmp_path, monkeypatch):
    monkeypatch.delenv(links.REPORTS_URL, raising=False)
    assert "no report yet" in links.show(tmp_path)
    for corpus in (CLINIC, DEMO):
        (tmp_path / corpus.data_docs).mkdir(parents=True)
        (tmp_path / corpus.data_docs / artifacts.DATA_DOCS_INDEX).touch()
    text = links.show(tmp_path)
    rows = [row[0] for row in cells(text)[1:]]
    assert rows == ["reports/data_docs/demo/index.html", "reports/external/data_docs/clinic/index.html"]
    assert f"in `{tmp_path}`" in text
    assert "report.html" not in text
    monkeypatch.setenv(links.REPORTS_URL, "https://host.example/icbhi/")
    assert "(https://host.example/icbhi/data_docs/demo/index.html)" in links.show(tmp_path)


def line(done, epochs):
    return f"[11:19:02] INFO     epoch {done}/{epochs}  loss 0.5{done}  val Score 41.0 strict"


def test_epochs_are_reported_with_pauses_and_the_last_one_always(monkeypatch):
    clock, shown = [0.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    training = progress.Progress(lambda percent, words: shown.append((percent, words)))
    for done in range(1, 11):
        training.feed("train_teacher: 412 cycles")
        training.feed(line(done, 10))
        clock[0] += 0.4 * progress.PAUSE_S
    training.end()
    assert [percent for percent, _ in shown] == [10, 40, 70, 100]
    assert shown[-1][1] == "epoch 10 of 10: loss 0.510 val Score 41.0 strict"


def test_a_training_that_stops_early_ends_at_100_percent():
    shown = []
    training = progress.Progress(lambda percent, words: shown.append((percent, words)))
    training.feed(line(1, 10))
    training.feed(line(2, 10))
    training.end()
    assert [percent for percent, _ in shown] == [10, 100]
    assert shown[-1][1].startswith("stopped early: epoch 2 of 10")


def test_a_stage_without_epochs_reports_nothing():
    stage = progress.Progress(pytest.fail)
    stage.feed("Running stage 'extract':")
    stage.end()
