import csv
import json
from dataclasses import asdict, replace
from io import StringIO

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from flows.leaderboards import tables
from flows.leaderboards.comparison import Result, leaderboards, read
from flows.leaderboards.recipe_workspaces import RecipeWorkspace
from models.metrics import figures
from tasks import artifacts
from tasks.evaluation.settings import EvaluationSettings
from tasks.runtime import corpus_facts, files
from tasks.runtime.corpus_facts import Published
from tests.unit.tasks.evaluation.example import facts

SETTINGS = EvaluationSettings(confidence=0.95, resamples=200, seed=0, calibration_bins=5, prevalence=None)
PATIENTS, EACH = 6, 8  # cycles of a patient: half of them normal
LABELS = np.tile([0, 0, 0, 0, 1, 1, 2, 3], PATIENTS)
PROBABILITIES = dict.fromkeys(("p_normal", "p_crackle", "p_wheeze", "p_both"), 0.25)
RESULT = {"labels": "lungsound_4", "split": "official", "sp": "70.00", "se": "40.00"}
A = {"method": "A", "selection": "paper", "recipes": ("ast_ce",), **RESULT}
B = {"method": "B", "selection": "val", "recipes": ("patchmix_cl",), **RESULT}
PUBLISHED = (
    Published(definition="strict", score="59.55 ± 0.88", **A),
    Published(definition="lenient", score="66.77", **A),
    Published(definition="strict", score="59.59 ± 0.47", **B),
)


def result(
    recipe: str, *seeds: np.ndarray, small: bool = False, selections=("val",), published=PUBLISHED, **about
) -> Result:
    """Return the results of students with the predictions ``seeds``, equal in every selection."""
    rows = [
        {"model": f"student/{number}", "selection": selection, "cycle_id": f"c{cycle:03}", "label": int(LABELS[cycle])}
        | {"patient_id": str(100 + cycle // EACH), "predicted": int(predicted[cycle]), **PROBABILITIES}
        for number, predicted in enumerate(seeds, 1)
        for selection in selections
        for cycle in range(len(LABELS))
    ]
    matrices = [np.histogram2d(LABELS, seed, bins=[np.arange(5)] * 2)[0] for seed in seeds]
    found = {
        name: {"mean": float(np.mean(values)), "sd": None, "low": 40.0, "high": 60.0}
        for name, values in figures(np.stack(matrices)).items()
    }
    metrics = {"corpus": "other", "identity": "Other corpus", "recordings": 920, "labels": "lungsound_4"}
    metrics |= {"split": "official", "classes": ["normal", "crackle", "wheeze", "both"], "selections": list(selections)}
    metrics |= {"students": {str(number): {} for number in range(1, len(seeds) + 1)}}
    metrics |= {"student": dict.fromkeys(selections, found), "test": {"cycles": len(LABELS), "patients": PATIENTS}}
    metrics |= about
    return Result(RecipeWorkspace(recipe=recipe, small=small), metrics, pl.DataFrame(rows), SETTINGS, published)


def one_more_wheeze() -> np.ndarray:
    """Return predictions that differ from `CRACKLES` in that every patient's wheeze is found."""
    return np.where(LABELS == 0, 0, np.where(LABELS == 2, 2, 1))


CRACKLES = np.where(LABELS == 0, 0, 1)  # abnormal is always crackle: Se strict 50, lenient 100


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
        result("sam_ast", CRACKLES, identity="A part of the other corpus", recordings=165),
    ]
    plain = result("sam_ast", CRACKLES)
    cycles = plain.predictions.with_columns(cycle_id=pl.format("other-{}", "cycle_id"))
    elsewhere = Result(plain.workspace, plain.metrics, cycles, SETTINGS)
    found = leaderboards([result("ast_ce", CRACKLES, selections=("val", "paper")), *others, elsewhere])
    strict = [board for board in found if board.definition == "strict"]
    assert sorted(len(board.rows) for board in strict) == [1, 1, 1, 1, 1, 1, 2]
    assert len({tables.title(board) for board in strict}) == 6  # the board of other test cycles has the same title


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


def test_where_no_patient_differs_a_difference_has_no_interval():
    row = leaderboards([result("ast_ce", CRACKLES), result("best", one_more_wheeze())])[0].rows[1]
    assert (row.minus_first.difference, row.minus_first.low) == (12.5, None)
    assert tables.difference(row.minus_first) == "+12.5; p = 0.031"


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
