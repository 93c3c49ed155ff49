import polars as pl
import pytest

from tasks.evaluation.ensembles import over_k
from tasks.reporting import page, run_results
from tasks.reporting.run_results import RunResults
from tasks.reporting.sections import results
from tests.unit.tasks.evaluation.example import cycles, evaluator, facts, metrics, predict


@pytest.mark.parametrize("patients", [2, 8])
def test_the_curve_over_k_is_drawn_where_no_interval_is_defined(tmp_path, patients):
    """With two patients there is none, so that the columns of limits are empty in the file."""
    frame = cycles(patients)
    logits = [predict("", frame, seed, 1.0).probabilities[0] for seed in range(2)]
    over_k({1: logits[:1], 2: logits}, evaluator(frame), "val").write_csv(tmp_path / "ensemble_size.csv")
    table = run_results.read_plot(tmp_path / "ensemble_size.csv")
    assert table["low"].dtype == pl.Float64
    assert (table["low"].null_count() == table.height) == (patients == 2)
    assert "<svg" in results._over_k(table)


def test_a_run_without_teachers_has_no_curve(tmp_path, monkeypatch):
    over_k({}, evaluator(cycles(1)), "val").write_csv(tmp_path / "ensemble_size.csv")
    monkeypatch.setattr(results, "scores", lambda *_: "")
    plots = {"ensemble_size": run_results.read_plot(tmp_path / "ensemble_size.csv")}
    run = RunResults(metrics=metrics(teachers=False), plots=plots, cards={}, facts=facts())
    assert results.content(run)["over_k"] is None


@pytest.mark.parametrize(
    ("each", "caption"),
    [
        (1, "Ensembles with k teachers, in the order in which"),
        (3, "Ensembles with k teachers of each of 3 folds, 3 k networks in all, in the order in which"),
    ],
)
def test_the_curve_over_k_says_which_networks_an_ensemble_joins(monkeypatch, each, caption):
    table = pl.DataFrame({"k": [1, 2], "networks": [each, 2 * each]})
    monkeypatch.setattr(results, "_over_k", lambda _table: "<svg></svg>")
    monkeypatch.setattr(results, "scores", lambda *_: "")
    run = RunResults(metrics=metrics(), plots={"ensemble_size": table}, cards={}, facts=facts())
    assert caption in " ".join(page._body("results", results.SECTION, run).split())
