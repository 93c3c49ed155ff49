"""Judgement of segments by the limits that a model states."""

import numpy as np
import pytest

from tasks.prediction.engines.base import Outputs
from tasks.prediction.facts import ModelFacts
from tasks.prediction.judgement import Judge

CARD = {
    "architecture": "ast",
    "frontend": "ast",
    "labels": "lungsound_4",
    "classes": ["normal", "crackle", "wheeze"],
    "decision_rules": {"val": {"rule": "argmax", "temperature": 2.0}},
    "conformal": {"coverage": 0.9, "quantile": 0.62, "cycles": 200, "patients": 20},
    "novelty": {"quantile": 0.99, "threshold": 3.0, "dimensions": 8},
    "corpora": [{"name": "a", "title": "A", "sample_rates": {"4000": 3, "44100": 5}}],
}


def judged(probabilities, distance=1.0, **changed):
    facts = ModelFacts.from_card({**CARD, **changed})
    rows = np.array([probabilities], dtype=np.float32)
    distances = None if distance is None else np.array([distance], dtype=np.float32)
    outputs = Outputs(rows, facts.rule.predict(rows), np.zeros((1, 2), dtype=np.float32), distances)
    (found,) = Judge(facts).segments(outputs)
    return found


def test_a_segment_with_one_likely_class_is_judged():
    found = judged([0.9, 0.09, 0.01])
    assert (found.decision, found.predicted, found.classes, found.reasons) == ("judged", "normal", ("normal",), ())
    assert found.probabilities == pytest.approx((0.9, 0.09, 0.01))
    roots = np.sqrt([0.9, 0.09, 0.01])
    assert found.confidence == pytest.approx(roots[0] / roots.sum())


def test_a_segment_with_several_plausible_classes_is_uncertain_and_keeps_its_class():
    found = judged([0.41, 0.5, 0.09])
    assert (found.decision, found.predicted, found.classes) == ("uncertain", "crackle", ("crackle", "normal"))
    assert found.reasons == (
        "uncertain: crackle or normal (sets hold the right class for 90% of validation cycles, as wanted)",
    )
    measured = CARD["conformal"] | {"covered": 0.59}
    assert "held the right class for 59% of test cycles" in judged([0.41, 0.5, 0.09], conformal=measured).reasons[0]
    narrow = {"coverage": 0.5, "quantile": 0.1, "cycles": 200, "patients": 20}
    found = judged([0.41, 0.5, 0.09], conformal=narrow)
    assert (found.decision, found.classes) == ("uncertain", ("crackle",))
    assert "no class is likely enough, crackle is nearest" in found.reasons[0]


def test_a_segment_far_from_the_training_cycles_is_unlike_them():
    found = judged([0.9, 0.09, 0.01], distance=3.5)
    assert (found.decision, found.predicted, found.distance) == ("unlike", "normal", 3.5)
    assert found.reasons == ("unlike anything the model learned from: distance 3.5, limit 3",)
    assert judged([0.9, 0.09, 0.01], distance=3.0).decision == "judged"


@pytest.mark.parametrize(
    ("probabilities", "changed", "abnormal"),
    [
        ([0.9, 0.09, 0.01], {}, False),
        ([0.41, 0.5, 0.09], {}, None),  # crackle or normal
        ([0.01, 0.09, 0.9], {}, True),
        ([0.01, 0.5, 0.49], {}, True),  # crackle or wheeze: uncertain, and abnormal in any case
        ([0.01, 0.09, 0.9], {"distance": 3.5}, None),  # unlike
        ([0.41, 0.5, 0.09], {"conformal": {**CARD["conformal"], "quantile": 0.1}}, None),  # an empty set
        ([0.41, 0.5, 0.09], {"conformal": None}, True),  # no sets: the class decides
        ([0.5, 0.41, 0.09], {"conformal": None}, False),
        ([np.nan, 0.5, 0.5], {}, None),
    ],
)
def test_a_segment_is_abnormal_or_normal_only_if_its_set_says_so(probabilities, changed, abnormal):
    assert judged(probabilities, **changed).abnormal is abnormal


def test_what_a_model_does_not_state_is_not_judged_by():
    found = judged([0.41, 0.5, 0.09], distance=99.0, conformal=None, novelty=None)
    assert (found.decision, found.classes, found.distance) == ("judged", ("crackle",), 99.0)
    assert judged([0.9, 0.09, 0.01], distance=None).decision == "judged"


def test_probabilities_that_are_no_numbers_give_no_class():
    assert judged([np.nan, 0.5, 0.5]).decision == "not_judged"


@pytest.mark.parametrize(("rate", "usable"), [(1000, False), (1999, False), (2000, True), (44_100, True)])
def test_a_rate_far_below_those_of_the_training_has_the_wrong_band(rate, usable):
    measures = {"duration_s": 5.0, "peak": 0.5, "mix_loss_db": 0.0, "clipped_fraction": 0.0, "dc_offset": 0.0}
    measures |= {"longest_constant_s": 0.0, "silent_fraction": 0.0}
    reasons = Judge(ModelFacts.from_card(CARD)).recording(measures, rate)
    assert (reasons == ()) == usable
    assert all("wrong band" in reason and "4,000 Hz" in reason for reason in reasons)
