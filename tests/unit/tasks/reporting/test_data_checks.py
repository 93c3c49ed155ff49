"""Summary of the Data Docs on the report, and folded families in the Data Docs."""

import re
from dataclasses import replace

import pytest

from tasks.checks import data_docs
from tasks.reporting import page
from tasks.reporting.sections import data_checks, registry
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.reporting import example


@pytest.fixture
def run(tmp_path, monkeypatch):
    example.write(tmp_path)
    monkeypatch.setattr(registry, "read", lambda: {"data_checks": data_checks.SECTION})
    return example.results(tmp_path)


def test_each_corpus_has_its_verdict_and_a_link(run):
    html = page.render(replace(run, metrics=run.metrics | {"external": {"theirs": {}}}))
    cells = "".join(f"<td>{text}</td>" for text in ("passed", 16, 1, 15, 0))
    link = '<td><a href="data_docs/other/index.html">other</a></td>'
    assert f'<th scope="row">other</th>{cells}{link}' in html.replace("\n", "")
    assert '<a href="external/data_docs/theirs/index.html">theirs</a>' in html
    assert f'<th scope="row">theirs, only tested on</th>{cells}' in html.replace("\n", "")
    assert html.count("No cycle is shorter than 0.5 s.") == data_checks.MOST
    assert "And 3 more in the Data Docs." in html


def test_damaged_verdicts_name_their_file(run, tmp_path):
    path = tmp_path / "data/validation/other/results.json"
    path.write_text('{"success": true, "totals": {}, "expectations": []}')
    with pytest.raises(BreathlineError, match=r"totals\.holding: Field required") as caught:
        page.render(run)
    assert caught.value.where == path


def test_only_families_with_a_failing_expectation_are_open(tmp_path):
    one = {"suite": "cycles", "meaning": "m", "hint": "h", "fails_for": "", "first": [], "distinct": 0}
    one |= {"severity": "warning", "expectation": "e"}
    expectations = [
        one | {"name": f"{family}_{number}", "family": family, "success": success}
        for family, success in (("required", True), ("lengths", False))
        for number in range(3)
    ]
    totals = {"expectations": 6, "holding": 3, "warnings": 3, "errors": 0}
    report = {"identity": "i", "success": True, "totals": totals, "expectations": expectations}
    data_docs.write(tmp_path, report, {})
    html = (tmp_path / "index.html").read_text()
    folded, opened = re.findall(r"<details(.*?)</details>", html, flags=re.DOTALL)
    assert (folded.startswith(">"), "required: 3 of 3 hold" in folded, folded.count("required_")) == (True, True, 3)
    assert (opened.startswith(" open>"), "lengths: 0 of 3 hold" in opened) == (True, True)
