from __future__ import annotations

import csv
import json
from io import StringIO

import numpy as np
import polars as pl
import pytest

from flows.leaderboards import tables
from flows.leaderboards.comparison import Result, boards
from flows.leaderboards.recipe_workspaces import Entry
from tasks.evaluation import bootstrap
from tasks.evaluation.summary import EvaluationSettings

SETTINGS = EvaluationSettings(confidence=0.95, resamples=200, seed=0, calibration_bins=5)
PATIENTS, EACH = 6, 8  # cycles of a patient: half of them normal
LABELS = np.tile([0, 0, 0, 0, 1, 1, 2, 3], PATIENTS)


def result(recipe: str, *seeds: np.ndarray, small: bool = False, selections=("val",), **about) -> Result:
    """Return the results of students that predict ``seeds``, the same in every selection."""
    rows = [
        {
            "model": f"student/{number}",
            "selection": selection,
            "cycle_id": f"c{cycle:03}",
            "patient_id": 100 + cycle // EACH,
            "label": int(LABELS[cycle]),
            "predicted": int(predicted[cycle]),
            **dict.fromkeys(("p_normal", "p_crackle", "p_wheeze", "p_both"), 0.25),
        }
        for number, predicted in enumerate(seeds, 1)
        for selection in selections
        for cycle in range(len(LABELS))
    ]
    matrices = [np.histogram2d(LABELS, seed, bins=[np.arange(5)] * 2)[0] for seed in seeds]
    found = {
        name: {"mean": float(np.mean(values)), "sd": None, "low": 40.0, "high": 60.0}
        for name, values in bootstrap.figures(np.stack(matrices)).items()
    }
    metrics = {
        "corpus": "icbhi",
        "recordings": 920,
        "labels": "lungsound_4",
        "split": "official",
        "classes": ["normal", "crackle", "wheeze", "both"],
        "selections": list(selections),
        "students": {str(number): {} for number in range(1, len(seeds) + 1)},
        "student": dict.fromkeys(selections, found),
        "test": {"cycles": len(LABELS), "patients": PATIENTS},
        **about,
    }
    return Result(Entry(recipe=recipe, small=small), metrics, pl.DataFrame(rows), SETTINGS)


def one_more_wheeze() -> np.ndarray:
    """Return predictions that differ from `CRACKLES` in that every patient's wheeze is found."""
    return np.where(LABELS == 0, 0, np.where(LABELS == 2, 2, 1))


CRACKLES = np.where(LABELS == 0, 0, 1)  # abnormal is always crackle: Se strict 50, lenient 100


def test_differences_are_paired_and_each_definition_has_a_board_of_its_own():
    found = boards([result("ast_ce", CRACKLES, CRACKLES), result("best", one_more_wheeze())])
    assert [(board.selection, board.definition) for board in found] == [("val", "strict"), ("val", "lenient")]
    strict, lenient = (board.rows for board in found)
    # Strictly, 6 of 24 abnormal cycles more: 25 points of Se, half of them of Score, for every patient alike.
    assert strict[0].minus_first is None
    assert strict[1].minus_first is not None
    assert (strict[1].minus_first.difference, strict[1].minus_first.low, strict[1].minus_first.high) == (12.5,) * 3
    assert lenient[1].minus_first is not None
    assert lenient[1].minus_first.difference == 0
    assert (strict[0].score.mean, strict[0].se.mean, lenient[0].se.mean) == (75.0, 50.0, 100.0)
    assert strict[0].seeds == ("1", "2")


def test_what_may_not_be_compared_is_never_on_one_board():
    others = [
        result("sam_ast", CRACKLES),
        result("sam_ast", CRACKLES, split="0"),
        result("sam_ast", CRACKLES, labels="diagnosis_3"),
        result("sam_ast", CRACKLES, small=True),
        result("sam_ast", CRACKLES, corpus="icbhi-part", recordings=165),
    ]
    plain = result("sam_ast", CRACKLES)
    cycles = plain.predictions.with_columns(cycle_id=pl.format("other-{}", "cycle_id"))
    elsewhere = Result(plain.entry, plain.metrics, cycles, SETTINGS)
    found = boards([result("ast_ce", CRACKLES, selections=("val", "paper")), *others, elsewhere])
    strict = [board for board in found if board.definition == "strict"]
    assert sorted(len(board.rows) for board in strict) == [1, 1, 1, 1, 1, 1, 2]
    assert len({tables.title(board) for board in strict}) == 6  # the board of other test cycles has the same title


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"split": "official-disjoint"}, "official split alone"),
        ({"labels": "diagnosis_3"}, "lungsound_4"),
        ({"corpus": "icbhi-part", "recordings": 165}, "complete ICBHI"),
        ({"corpus": "demo"}, "complete ICBHI"),
        ({"small": True}, "miniatures"),
    ],
)
def test_published_figures_stand_only_where_they_belong(change, why):
    for board in boards([result("ast_ce", CRACKLES, selections=("val", "paper"), **change)]):
        assert why in board.without_published
        assert board.rows[0].published == ()
        assert why in tables.markdown([board])


def test_published_figures_have_the_definition_and_the_selection_of_their_board():
    found = boards([result("ast_ce", CRACKLES, selections=("val", "paper")), result("sam_ast", CRACKLES)])
    scores = {
        (board.selection, board.definition): [[one.score for one in row.published] for row in board.rows]
        for board in found
    }
    assert scores == {
        ("val", "strict"): [[], []],
        ("val", "lenient"): [[], []],
        ("paper", "strict"): [["59.55 ± 0.88"]],
        ("paper", "lenient"): [["66.77"]],
    }
    lenient = next(board for board in found if (board.selection, board.definition) == ("val", "lenient"))
    assert "none has this definition (lenient)" in lenient.without_published


def test_what_is_published_is_not_said_to_be_chosen_as_ours_is():
    found = boards([result("patchmix_cl", CRACKLES, selections=("val", "paper"))])
    said = {board.selection: " ".join(tables.notes(board)) for board in found if board.definition == "strict"}
    assert "last epoch of a training that held no patients out" in said["val"]
    assert "epoch chosen on the test set" in said["paper"]


def test_two_classes_have_one_definition():
    assert [board.definition for board in boards([result("ast_ce", CRACKLES, classes=["normal", "abnormal"])])] == [
        "strict"
    ]


def test_with_too_few_patients_a_difference_has_no_interval():
    few = result("best", one_more_wheeze())
    for figure in few.metrics["student"]["val"].values():
        figure |= {"low": None, "high": None}
    row = boards([result("ast_ce", CRACKLES), few])[0].rows[1]
    assert row.minus_first is not None
    assert (row.minus_first.difference, row.minus_first.low) == (12.5, None)
    assert tables.difference(row.minus_first) == "+12.5"


def test_the_files_say_what_the_boards_hold(tmp_path):
    found = boards([result("ast_ce", CRACKLES, CRACKLES), result("patchmix_cl", one_more_wheeze())])
    paths = tables.write(found, tmp_path)
    assert [path.name for path in paths] == ["leaderboard.json", "leaderboard.csv", "leaderboard.md"]
    assert json.loads(paths[0].read_text())[0]["rows"][1]["minus_first"]["difference"] == 12.5
    lines = list(csv.DictReader(StringIO(paths[1].read_text())))
    assert [(line["recipe"], line["definition"], line["score_mean"]) for line in lines] == [
        ("ast_ce", "strict", "75.0"),
        ("patchmix_cl", "strict", "87.5"),
        ("ast_ce", "lenient", "100.0"),
        ("patchmix_cl", "lenient", "100.0"),
    ]
    text = paths[2].read_text()
    assert "| patchmix_cl | 1 | 87.5 | 40.0–60.0 | 100.0 | 75.0 | +12.5 (+12.5 to +12.5) |" in text
    assert "59.59 ± 0.47" in text
