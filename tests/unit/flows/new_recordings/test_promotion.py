import pytest

from flows.new_recordings.defaults import METRIC
from flows.new_recordings.promotion import decide

ON = {"labels": "lungsound_4", "split": "official", "test": {"cycles": 90}}


def test_the_first_model_is_promoted_and_one_without_a_score_never():
    assert decide(METRIC, 1.0, {METRIC: 12.0}, None).promote
    assert not decide(METRIC, 1.0, {METRIC: None}, None).promote
    assert not decide(METRIC, 1.0, {}, {METRIC: 50.0}).promote


@pytest.mark.parametrize(("now", "promoted"), [(61.0, True), (59.0, True), (58.99, False), (0.0, False)])
def test_a_loss_up_to_the_margin_is_allowed(now, promoted):
    found = decide(METRIC, 1.0, {METRIC: now}, {METRIC: 60.0})
    assert found.promote is promoted
    assert f"{now:.2f}, and 60.00 in production" in found.reason


def test_without_a_margin_an_equal_score_is_enough():
    assert decide(METRIC, 0.0, {METRIC: 60.1}, {METRIC: 60.1}).promote


def test_degenerate_models_are_named_in_the_reason():
    flagged = {**ON, "student": {"val": {"degenerate": "always normal"}}}
    first = decide(METRIC, 1.0, {METRIC: 50.0}, None, metrics=flagged, allowed=["degenerate"])
    assert first.reason.endswith("no version is in production yet; the new model is degenerate: always normal.")
    found = decide(METRIC, 1.0, {METRIC: 60.0}, {METRIC: 50.0}, metrics=ON, production_metrics=flagged)
    assert found.reason.endswith("; the version in production is degenerate: always normal.")


def test_a_model_that_is_not_fit_for_use_is_not_promoted_unless_allowed():
    found = decide(METRIC, 1.0, {METRIC: 90.0}, None, metrics={**ON, "generated": True})
    assert (found.promote, "it learned from generated sounds" in found.reason) == (False, True)
    assert decide(METRIC, 1.0, {METRIC: 90.0}, None, metrics={**ON, "generated": True}, allowed=["demo"]).promote
    flagged = {**ON, "student": {"val": {"degenerate": "always normal"}}}
    found = decide(METRIC, 1.0, {METRIC: 90.0}, {METRIC: 50.0}, metrics=flagged, production_metrics=ON)
    assert (found.promote, found.reason) == (
        False,
        "The new model is not fit for use: it is degenerate on the test cycles: always normal.",
    )


def test_scores_under_other_conditions_are_not_compared():
    def against(production: dict) -> tuple[bool, str]:
        found = decide(METRIC, 1.0, {METRIC: 90.0}, {METRIC: 50.0}, metrics=ON, production_metrics=production)
        return found.promote, found.reason

    assert against(ON)[0]
    differ = "The labels differ (lungsound_2 in production, lungsound_4 now): the models are not comparable."
    assert against({**ON, "labels": "lungsound_2"}) == (False, differ)
    assert not against({**ON, "split": "0"})[0]
    assert not decide(METRIC, 1.0, {METRIC: 90.0}, {"val.student.score_lenient": 10.0}).promote
    other = against({**ON, "test": {"cycles": 80}})
    assert other[0]
    assert other[1].endswith("the test cycles differ.")
