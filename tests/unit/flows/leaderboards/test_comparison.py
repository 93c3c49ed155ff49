"""Leaderboards of results that may be compared, as tables and files."""

import csv
import json
from dataclasses import asdict, replace
from io import StringIO

import numpy as np
import polars as pl
import pytest

from flows.leaderboards import tables
from flows.leaderboards.comparison import Result, leaderboards, read
from flows.leaderboards.recipe_workspaces import RecipeWorkspace
from tasks import artifacts
from tasks.runtime import corpus_facts, files
from tests.unit.flows.leaderboards.results import CRACKLES, EACH, LABELS, SETTINGS, one_more_wheeze, result
from tests.unit.tasks.evaluation.example import facts


@pytest.mark.parametrize(("seeds", "warned"), [(1, False), (2, True), (3, False)])
def test_a_note_warns_of_two_seeds(seeds, warned):
    board = leaderboards([result("ast_ce", *[CRACKLES] * seeds)])[0]
    assert any(note.startswith("With two seeds") for note in tables.notes(board)) is warned


def test_intervals_of_all_rows_are_computed_by_one_method():
    """Results of an earlier version have the percentile bootstrap in metrics.json, here 40 to 60."""
    some = np.where(np.arange(len(LABELS)) < EACH * 2, one_more_wheeze(), CRACKLES)
    first, other = leaderboards([result("ast_ce", CRACKLES, some), result("best", some)])[0].rows
    assert other.score.low < other.score.mean < other.score.high
    assert (other.score.low, other.score.high) != (40.0, 60.0)
    assert first.score.low_seeds <= first.score.low
    assert other.score.low_seeds is None


def test_test_time_augmentation_of_a_recipe_is_named_below_the_leaderboard():
    board = leaderboards([result("plain", CRACKLES), result("shifted", CRACKLES, augmentation={"shifts": 4})])[0]
    assert [note.partition(":")[0] for note in tables.notes(board) if "shifted clips" in note] == [
        "shifted has test-time augmentation"
    ]
    lines = list(csv.DictReader(StringIO(tables.comma_separated([board]))))
    assert ["4 shifted clips" in line["augmentation"] for line in lines] == [False, True]


def test_results_that_are_not_comparable_are_on_different_leaderboards():
    others = [
        result("sam_ast", CRACKLES),
        result("sam_ast", CRACKLES, split="0"),
        result("sam_ast", CRACKLES, labels="diagnosis_3"),
        result("sam_ast", CRACKLES, small=True),
        result("sam_ast", CRACKLES, classes=["normal", "abnormal"]),
        result("sam_ast", CRACKLES, identity="A part of the other corpus", recordings=165),
    ]
    plain = result("sam_ast", CRACKLES)
    cycles = plain.predictions.with_columns(cycle_id=pl.format("other-{}", "cycle_id"))
    elsewhere = Result(plain.workspace, plain.metrics, cycles, SETTINGS)
    found = leaderboards([result("ast_ce", CRACKLES, selections=("val", "paper")), *others, elsewhere])
    strict = [board for board in found if board.definition == "strict"]
    assert sorted(len(board.rows) for board in strict) == [1, 1, 1, 1, 1, 1, 1, 2]
    assert (
        len({tables.title(board) for board in strict}) == 6
    )  # the boards of other test cycles and of other classes have the same title


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"split": "official-disjoint"}, "none hold for lungsound_4 on the split official-disjoint"),
        ({"labels": "diagnosis_3"}, "none hold for diagnosis_3"),
        ({"published": ()}, "none hold for these recordings"),
        ({"small": True}, "miniatures"),
    ],
)
def test_published_figures_are_shown_only_where_they_are_comparable(change, why):
    for board in leaderboards([result("ast_ce", CRACKLES, selections=("val", "paper"), **change)]):
        assert why in board.without_published
        assert board.rows[0].published == ()
        assert why in tables.markdown([board])


def test_published_figures_have_the_definition_and_the_selection_of_their_leaderboard():
    found = leaderboards([result("ast_ce", CRACKLES, selections=("val", "paper")), result("sam_ast", CRACKLES)])
    scores = [[[one.score for one in row.published] for row in board.rows] for board in found]
    names = [("val", "strict"), ("val", "lenient"), ("paper", "strict"), ("paper", "lenient")]
    assert [(board.selection, board.definition) for board in found] == names
    assert scores == [[[], []], [[], []], [["59.55 ± 0.88"]], [["66.77"]]]
    lenient = next(board for board in found if (board.selection, board.definition) == ("val", "lenient"))
    assert "none have this definition (lenient)" in lenient.without_published


def test_notes_say_how_published_runs_chose_their_epochs():
    found = leaderboards([result("patchmix_cl", CRACKLES, selections=("val", "paper"))])
    notes = {board.selection: " ".join(tables.notes(board)) for board in found if board.definition == "strict"}
    assert "last epoch of a training that held no patients out" in notes["val"]
    assert "epoch chosen on the test set" in notes["paper"]


def test_two_classes_have_one_definition():
    found = leaderboards([result("ast_ce", CRACKLES, classes=["normal", "abnormal"])])
    assert [board.definition for board in found] == ["strict"]


def test_recipes_of_several_corpora_are_compared_on_each_corpus(tmp_path):
    def finish(recipe: str, main: Result, *, corpora: dict[str, Result], external: dict[str, Result]) -> list[Result]:
        workspace = RecipeWorkspace(recipe=recipe)
        folder = tmp_path / workspace.folder
        about = {"corpora": corpora, "external": external}
        parts = {role: {name: one.metrics for name, one in found.items()} for role, found in about.items()}
        files.write_json(folder / artifacts.METRICS, {**main.metrics, **parts})
        files.write_json(folder / "params.yaml", {"evaluation": asdict(SETTINGS)})  # JSON is YAML
        corpus_facts.write(folder / corpus_facts.FOLDER, facts())
        rows = {artifacts.PREDICTIONS: corpora or {"icbhi": main}, artifacts.EXTERNAL_PREDICTIONS: external}
        for path, found in rows.items():
            tables = [one.predictions.with_columns(corpus=pl.lit(name)) for name, one in found.items()]
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            pl.concat([main.predictions.with_columns(corpus=pl.lit("")).clear(), *tables]).write_parquet(folder / path)
        return read(tmp_path, workspace)

    def sprsound(predicted: np.ndarray) -> Result:
        one = result("", predicted, corpus="sprsound", identity="SPRSound", split="inter")
        return replace(one, predictions=one.predictions.with_columns(cycle_id=pl.format("s-{}", "cycle_id")))

    icbhi, both = result("", CRACKLES), result("", CRACKLES, corpus="other+sprsound")
    joint = finish("joint", both, corpora={"icbhi": icbhi, "sprsound": sprsound(CRACKLES)}, external={})
    across = finish("across", icbhi, corpora={}, external={"sprsound": sprsound(one_more_wheeze())})
    boards = [one for one in leaderboards([*joint, *across]) if one.definition == "strict"]
    found = {board.corpus: [row.recipe for row in board.rows] for board in boards}
    assert found == {"other": ["joint", "across"], "other+sprsound": ["joint"], "sprsound": ["joint", "across"]}
    (board,) = (one for one in boards if one.corpus == "sprsound")
    assert board.rows[1].minus_first.difference == 12.5


def test_the_files_hold_the_leaderboards(tmp_path):
    found = leaderboards([result("ast_ce", CRACKLES, CRACKLES), result("patchmix_cl", one_more_wheeze())])
    paths = tables.write(found, tmp_path)
    assert [path.name for path in paths] == ["leaderboard.json", "leaderboard.csv", "leaderboard.md"]
    assert json.loads(paths[0].read_text())[0]["rows"][1]["minus_first"]["difference"] == 12.5
    lines = list(csv.DictReader(StringIO(paths[1].read_text())))
    shown = [" ".join([line["recipe"], line["definition"], line["score_mean"]]) for line in lines]
    assert shown[:2] == ["ast_ce strict 75.0", "patchmix_cl strict 87.5"]
    assert shown[2:] == ["ast_ce lenient 100.0", "patchmix_cl lenient 100.0"]
    text = paths[2].read_text()
    assert "| patchmix_cl | 1 | 87.5 | – | 100.0 | 75.0 | +12.5; p = 0.031 |" in text
    assert "59.59 ± 0.47" in text
