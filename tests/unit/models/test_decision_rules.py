"""Decision rules: known classes, the rule of an ensemble, and cards with and without a rule."""

import numpy as np
import pytest

from models.decision_rules import DecisionRule, classify, of_ensemble

PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.4, 0.35, 0.25], [0.2, 0.2, 0.6], [0.3, 0.35, 0.35]], dtype=np.float32)


@pytest.mark.parametrize(
    ("threshold", "predicted"),
    [(None, [0, 0, 2, 1]), (0.5, [0, 1, 2, 1]), (0.51, [1, 1, 2, 1]), (0.25, [0, 0, 2, 0]), (0.0, [0, 0, 0, 0])],
)
def test_a_cycle_is_normal_from_the_threshold_on_and_else_the_most_probable_other_class(threshold, predicted):
    assert classify(PROBABILITIES, threshold).tolist() == predicted
    rule = DecisionRule(rule="threshold", threshold=threshold)
    assert rule.predict(np.stack([PROBABILITIES, PROBABILITIES[::-1]])).tolist() == [predicted, predicted[::-1]]


def test_a_rule_is_read_from_the_card_that_holds_it_and_an_old_card_means_the_most_probable_class():
    rule = DecisionRule(rule="threshold", threshold=0.3, strict=0.3, lenient=0.2, temperature=1.5)
    losses = {"val_loss": 1.0, "val_loss_scaled": 0.9}
    card = {"decision_rules": {"val": rule.card() | losses}, "heads": {"icbhi": {"decision_rules": {"paper": {}}}}}
    assert DecisionRule.from_card(card, "val") == rule
    assert DecisionRule.from_card(card, "paper") == DecisionRule.from_card(card, "paper", "icbhi") == DecisionRule()
    assert DecisionRule.from_card({}, "val") == DecisionRule(rule="argmax", threshold=None)
    assert rule.with_threshold("lenient").threshold == 0.2
    assert rule.with_threshold(None).threshold is None


def test_an_ensemble_has_the_mean_threshold_of_its_members_if_all_have_one():
    one = DecisionRule(rule="threshold", threshold=0.3, strict=0.3, lenient=0.2, temperature=1.5)
    other = DecisionRule(rule="argmax", threshold=None, strict=0.5, lenient=0.3, temperature=0.7)
    both = of_ensemble([one, other])
    assert (both.rule, both.threshold, both.strict, both.lenient, both.temperature) == ("argmax", None, 0.4, 0.25, None)
    assert of_ensemble([one, other.with_threshold("strict")]).threshold == 0.4
