"""Differences from the first recipe of a leaderboard."""

import csv
from io import StringIO
from unittest import mock

import numpy as np
from rich.console import Console

from flows.leaderboards import tables
from flows.leaderboards.comparison import leaderboards
from tasks.evaluation import paired_tests
from tests.unit.flows.leaderboards.results import CRACKLES, EACH, LABELS, one_more_wheeze, result


def test_differences_are_paired_and_each_definition_has_a_leaderboard_of_its_own():
    found = leaderboards([result("ast_ce", CRACKLES, CRACKLES), result("best", one_more_wheeze())])
    assert [(board.selection, board.definition) for board in found] == [("val", "strict"), ("val", "lenient")]
    strict, lenient = (board.rows for board in found)
    # Strictly, 6 of 24 abnormal cycles more: 25 points of Se, half of them of Score, for every patient alike.
    assert strict[0].minus_first is None
    assert (strict[1].minus_first.difference, strict[1].minus_first.low, strict[1].minus_first.high) == (
        12.5,
        None,
        None,
    )
    assert lenient[1].minus_first.difference == 0
    assert (strict[0].score.mean, strict[0].se.mean, lenient[0].se.mean) == (75.0, 50.0, 100.0)
    assert strict[0].seeds == ("1", "2")


def test_differences_say_whether_their_interval_is_over_seeds():
    """Seeds of one recipe find the wheezes of some patients; of the other recipe there are one or two seeds."""
    some = [np.where(np.arange(len(LABELS)) < EACH * patients, one_more_wheeze(), CRACKLES) for patients in (2, 4, 5)]
    (one,), (several,) = (
        [board.rows[1].minus_first for board in leaderboards([result("ast_ce", *first), result("best", *some)])[:1]]
        for first in ([CRACKLES], [CRACKLES, some[0]])
    )
    assert one.low < one.difference < one.high
    assert one.low_seeds is None, "the spread over seeds of the first recipe is unknown"
    assert several.low_seeds < several.low < several.high < several.high_seeds
    assert tables.difference(one).count(" to ") == 1
    limits = [f"{value:+.1f}".replace("-", "−") for value in (several.low_seeds, several.high_seeds)]
    assert f" [{' to '.join(limits)}]; p = " in tables.difference(several)


def test_equal_predictions_are_no_difference():
    """Two recipes with the same networks once differed by 0 ± 14 over seeds, as if their seeds were independent."""
    some = [CRACKLES, one_more_wheeze()]
    board = leaderboards([result("ast_ce", *some), result("again", *some), result("turned", *reversed(some))])[0]
    again, turned = (row.minus_first for row in board.rows[1:])
    assert (again.equal, again.difference, again.low_seeds, again.p) == (True, 0.0, None, 1.0)
    assert tables.difference(again) == "none (equal predictions)"
    assert (turned.equal, turned.low_seeds is not None) == (False, True)


def test_p_values_are_corrected_for_all_comparisons_of_a_leaderboard():
    found = leaderboards([result("ast_ce", CRACKLES), *(result(name, one_more_wheeze()) for name in ("a", "b", "c"))])
    strict, lenient = ([row.minus_first for row in board.rows[1:]] for board in found)
    # Every patient is better: of 2 ** 6 swaps, two give as large a difference.
    assert [(one.p, one.p_holm) for one in strict] == [(0.0312, 0.0938)] * 3
    assert {one.p for one in lenient} == {1.0}
    notes = " ".join(tables.notes(found[0]))
    assert "corrected by Holm's method for 3 comparisons" in notes
    assert "McNemar's test of each pair of networks, which treats cycles as independent" in notes
    assert "degenerate" not in notes


def test_both_definitions_come_from_one_test_of_each_recipe(monkeypatch):
    counted = mock.Mock(wraps=paired_tests.permutation)
    monkeypatch.setattr(paired_tests, "permutation", counted)
    found = leaderboards([result("ast_ce", CRACKLES), *(result(name, one_more_wheeze()) for name in ("a", "b"))])
    assert (len(found), counted.call_count) == (2, 2)


def test_each_pair_of_networks_has_a_mcnemar_test():
    few = np.where(np.arange(len(LABELS)) < 8, one_more_wheeze(), CRACKLES)
    row = leaderboards([result("ast_ce", CRACKLES, CRACKLES), result("best", one_more_wheeze(), few)])[0].rows[1]
    found = row.minus_first
    # 6 cycles of 6 patients are correct with one network only, 1 with the other only.
    assert (found.mcnemar_pairs, found.mcnemar_smallest, found.mcnemar_largest) == (4, 0.0312, 1.0)


def test_a_difference_from_degenerate_networks_has_that_word(tmp_path):
    """One network that always says normal, and one that never does, once differed by -19.6 (-25.7 to -13.1) points."""
    normal, never = np.zeros_like(LABELS), np.where(LABELS == 2, 2, 1)
    found = leaderboards([result("mn_plain", normal, CRACKLES), result("mn_sam", never)])
    plain, sam = found[0].rows
    assert (plain.degenerate, sam.degenerate) == ("always normal: 1", "never normal")
    assert sam.minus_first.degenerate == "mn_sam never normal; mn_plain always normal: 1"
    assert tables.difference(sam.minus_first).endswith("; degenerate")
    assert tables.cells(found[0], plain)[0] == "mn_plain (degenerate: always normal: 1)"
    assert any("does not compare two classifiers" in note for note in tables.notes(found[0]))
    lines = list(csv.DictReader(StringIO(tables.comma_separated(found))))
    assert (lines[1]["degenerate"], lines[1]["minus_first_degenerate"]) == (sam.degenerate, sam.minus_first.degenerate)
    console = Console(width=80, file=StringIO())
    console.print(tables.rich_table(found[0]))
    printed = console.file.getvalue()
    assert max(map(len, printed.splitlines())) <= 80
    assert printed.count("degenerate") == 3


def test_where_no_patient_differs_a_difference_has_no_interval():
    row = leaderboards([result("ast_ce", CRACKLES), result("best", one_more_wheeze())])[0].rows[1]
    assert (row.minus_first.difference, row.minus_first.low) == (12.5, None)
    assert tables.difference(row.minus_first) == "+12.5; p = 0.031"
