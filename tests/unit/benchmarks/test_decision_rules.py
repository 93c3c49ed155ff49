from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import decision_rules
from models.decision_rules import DecisionRule
from tasks.evaluation.predictions import Predictions


def test_networks_with_several_heads_are_refused(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["decision_rules", str(tmp_path)])
    monkeypatch.setattr(decision_rules.params, "read", dict)
    monkeypatch.setattr(decision_rules.assignment, "from_params", lambda _: SimpleNamespace(heads=object()))
    with pytest.raises(SystemExit, match=r"params\.yaml: heads: .* Give a project without heads"):
        decision_rules.main()


def test_a_single_seed_has_figures_without_a_deviation(capsys):
    labels = np.array([0, 1, 0, 2])
    model = Predictions("1", "val", np.eye(3, dtype=np.float32)[labels][None], (DecisionRule(temperature=2.0),))
    decision_rules._print_figures({"argmax": [model]}, labels)
    decision_rules._print_calibration({"argmax": [model]}, labels)
    printed = capsys.readouterr().out
    assert "100.0" in printed
    assert not {"nan", "±"} & set(printed.split())


def test_differences_from_degenerate_networks_have_the_word_and_no_interval(capsys):
    labels = np.array([0, 1, 0, 2])
    rows = {str(index): [Predictions("1", "val", np.eye(3, dtype=np.float32)[[index] * 4][None])] for index in (0, 1)}
    decision_rules._print_differences(rows, labels, np.array([0, 0, 1, 1]), ("normal", "crackle", "wheeze"))
    head, row = capsys.readouterr().out.split("\n")[1:3]
    assert head.startswith("| minus 0 (degenerate: always normal) |")
    assert row == "| 1 (degenerate: always crackle) | −25.0 | +0.0 |"
