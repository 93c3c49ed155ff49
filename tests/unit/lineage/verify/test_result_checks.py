"""Predicted classes against the decision rules of the model cards."""

import pytest

from lineage.verify import result_checks
from lineage.verify.audited_project import AuditedProject
from models.decision_rules import DecisionRule


@pytest.mark.parametrize("threshold", [None, 0.05, 1.0])
def test_a_predicted_class_that_the_rule_does_not_give_is_named(small_project, monkeypatch, threshold):
    audited = AuditedProject(small_project)
    assert list(result_checks.predictions(audited)) == []
    known = audited.decision_rules()
    assert {key for key, rule in known.items() if rule.threshold is not None} == {("student/2", "val")}
    other = DecisionRule(rule="threshold", threshold=threshold)
    monkeypatch.setattr(audited, "decision_rules", lambda: known | {("student/2", "val"): other})
    (found,) = result_checks.predictions(audited)
    assert found.kind == "prediction-contradicts"
    assert "student/2 val" in found.where
    assert "not those of the decision rule in the model card" in found.what
