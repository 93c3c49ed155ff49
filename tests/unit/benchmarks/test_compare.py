import sys

import pyarrow.parquet as pq
import pytest

from benchmarks import compare
from tasks.evaluation.predictions import table
from tests.unit.tasks.evaluation.example import CLASSES, always, cycles, predict


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


def test_a_difference_of_degenerate_networks_has_the_word_and_no_interval(tmp_path, monkeypatch, capsys):
    paths = [str(tmp_path / f"{index}.parquet") for index in (0, 1)]
    for index, path in enumerate(paths):
        pq.write_table(table([always("student/1", index)], cycles(), CLASSES), path)
    monkeypatch.setattr(sys, "argv", ["compare", *paths])
    compare.main()
    flags = "degenerate: ONE always normal; OTHER always crackle"
    assert capsys.readouterr().out.splitlines()[1] == f"score_lenient: +0.0; {flags}"
