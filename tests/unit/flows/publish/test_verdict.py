from flows.publish import verdict
from tests.unit.flows.publish.rendered import cells


def expectation(name, severity, *, success, first, distinct):
    shown = {"meaning": f"{name} | holds.", "hint": "mend it", "fails_for": "" if success else "2 of 9 cycles"}
    return shown | {
        "suite": "cycles",
        "name": name,
        "severity": severity,
        "success": success,
        "first": first,
        "distinct": distinct,
    }


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
    text = verdict.show(RESULTS, "failed")
    assert verdict.headline(RESULTS) == "✗ Failed: 1 of 3 expectations hold; 1 error, 1 warning."
    assert text.startswith("Corpus `demo`; the stage failed. Nothing is learned from these data.")
    assert "Data Docs: `reports/data_docs/index.html`" in text
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
    text = verdict.show(good, "ran")
    assert verdict.headline(good) == "✓ Passed: 1 of 1 expectations hold; 0 errors, 0 warnings."
    assert text.startswith("Corpus `demo`; the stage ran.\n")
    assert cells(text) == []


def test_a_stage_that_failed_before_its_verdict_has_none(tmp_path):
    assert verdict.headline(verdict.read(tmp_path)) == "No verdict."
    assert "failed before it wrote a verdict" in verdict.show(verdict.read(tmp_path), "failed")
