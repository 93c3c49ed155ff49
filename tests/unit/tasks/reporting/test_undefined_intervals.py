import polars as pl
import pytest

from tasks.evaluation.ensembles import over_k
from tasks.reporting import run_results
from tasks.reporting.sections import results
from tests.unit.tasks.evaluation.example import cycles, evaluator, predict


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
