"""Every number on the page of a finished run is computed again, and a changed digit is found."""

import re

import pytest

from tests.recompute import __main__ as script

OTHERS = "comparisons|groups|gallery|embeddings|maps|sharpness|training|domains"

pytestmark = pytest.mark.slow


def changed(html: str, pattern: str) -> str:
    """Return a page in which the first number of the first match of a pattern has another digit."""
    found = re.search(pattern, html, re.DOTALL)
    assert found
    at = found.start("n")
    return f"{html[:at]}{(int(html[at]) + 1) % 10}{html[at + 1 :]}"


@pytest.fixture
def page(finished_run, tmp_path):
    """Return the folder of the run with a page of its own."""
    (tmp_path / "reports").mkdir()
    for name in ("data", "params.yaml", "reports/explanation.json"):
        (tmp_path / name).symlink_to(finished_run / name)
    (tmp_path / "reports/report.html").write_bytes((finished_run / "reports/report.html").read_bytes())
    return tmp_path


def test_every_number_of_a_finished_run_is_computed_again(page, capsys):
    assert script.main(page) == 0
    *_, last = capsys.readouterr().out.splitlines()
    found = re.fullmatch(r"([\d,]+) numbers, 0 wrong", last)
    assert int(found[1].replace(",", "")) > 1000


def test_a_changed_digit_of_a_tile_a_cell_a_point_and_a_sentence_is_named(page, capsys):
    path = page / "reports/report.html"
    finished = path.read_text(encoding="utf-8")
    html = re.sub(rf'<section id="({OTHERS})".*?</section>', "", finished, flags=re.DOTALL)  # to be quick
    html = changed(html, r'<div class="tile first">.*?<b>\d*(?P<n>\d)')
    html = changed(html, r'<section id="calibration".*?<tbody>.*?<td>0\.(?P<n>\d)')
    html = changed(html, r'aria-label="ROC curve.*? d="(?:[ML] [\d.]+ [\d.]+\s*){50}[ML] [\d.]+ \d(?P<n>\d)')
    html = changed(html, r"prevalence of abnormal cycles of (?P<n>\d)")
    path.write_text(html.replace("Net benefit over", "Benefit over").replace(">Per patient<", ">Per day<"), "utf-8")
    assert script.main(page) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("WRONG: ")]
    removed = [line for line in wrong if line.endswith(" section: 0 times, expected 1")]
    assert len(removed) == len(set(re.findall(rf'<section id="({OTHERS})"', finished)))
    wrong = [line for line in wrong if line not in removed]
    expected = (
        r"results, .*: shown .*, recomputed .*",
        r"classes, ROC curve of each class against the rest: point \(.*\), recomputed \(.*\)",
        r"further_metrics, at a prevalence .*: shown .*, recomputed .*",
        "recordings, 2 tables, expected 2; missing: Per patient ",
        "recordings, unknown table: Per day .*",
        "decision_rules, figure Benefit over the threshold probability: 1 times, expected 0",
        "decision_rules, figure Net benefit over the threshold probability: 0 times, expected 1",
        "decision_rules, unknown figure: Benefit over the threshold probability",
        r"calibration, student.*, ECE: shown .*, recomputed .*",
    )
    assert len(wrong) == len(expected)
    for line, pattern in zip(wrong, expected, strict=True):
        assert re.fullmatch(f"WRONG: {pattern}", line)
