import sys

import pyarrow.parquet as pq
import pytest

from benchmarks import compare
from tasks.evaluation.predictions import table
from tests.unit.tasks.evaluation.example import CLASSES, cycles, predict


@pytest.mark.parametrize(("seeds", "kinds"), [(1, 1), (2, 2)])
def test_differences_of_two_runs_say_what_their_intervals_are_over(tmp_path, monkeypatch, capsys, seeds, kinds):
    frame = cycles()
    for name, skill, number in (("one", 1.5, 2), ("other", 1.0, seeds)):
        parts = [predict(f"student/{seed}", frame, seed, skill) for seed in range(number)]
        pq.write_table(table(parts, frame, CLASSES), tmp_path / f"{name}.parquet")
    monkeypatch.setattr(sys, "argv", ["compare", *(str(tmp_path / f"{name}.parquet") for name in ("one", "other"))])
    compare.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["score_strict", "score_lenient"]
    for line in lines:
        assert line.count(" to ") == kinds
        assert "(networks fixed: " in line
        assert ("patients and seeds: " in line) == (kinds == 2)
