"""`breathline audit verify`: what was done to a finished run is found by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineage.verify import verification
from lineage.verify.findings import Report
from tests.pipeline.tampered_files import FILES
from tests.pipeline.tampered_witnesses import WITNESSES

# Each case is a copy of the finished run, changed, and verified in a second or two.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("run")]


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.errors}


def check(project: Path, case: tuple) -> Report:
    """Do it, and hold what is found against what should be."""
    tamper, expected, where, words = case
    tamper(project)
    report = verification.verify(project)
    told = [one for one in report.errors if one.kind in expected and where in one.where and words in one.what]
    assert (kinds(report), bool(told)) == (expected, True), [(one.kind, one.where, one.what) for one in report.findings]
    return report


@pytest.mark.parametrize("case", FILES)
def test_a_change_of_a_file_is_found_by_name(project, case):
    check(project, FILES[case])


@pytest.mark.parametrize("case", WITNESSES)
def test_a_change_of_what_bears_witness_is_found_by_name(project, case):
    check(project, WITNESSES[case])
