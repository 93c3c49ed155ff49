from __future__ import annotations

import pytest

from flows.new_recordings.promotion import METRIC, decide

ON = {"labels": "lungsound_4", "split": "official", "test": {"cycles": 90}}


def test_the_first_model_is_promoted_and_one_without_a_score_never():
    assert decide(METRIC, 1.0, {METRIC: 12.0}, None).promote
    assert not decide(METRIC, 1.0, {METRIC: None}, None).promote
    assert not decide(METRIC, 1.0, {}, {METRIC: 50.0}).promote


@pytest.mark.parametrize(("now", "promoted"), [(61.0, True), (59.0, True), (58.99, False), (0.0, False)])
def test_up_to_the_margin_may_be_lost(now, promoted):
    found = decide(METRIC, 1.0, {METRIC: now}, {METRIC: 60.0})
    assert found.promote is promoted
    assert f"{now:.2f}, and 60.00 in production" in found.why


def test_without_a_margin_an_equal_score_is_enough():
    assert decide(METRIC, 0.0, {METRIC: 60.1}, {METRIC: 60.1}).promote


def test_scores_that_mean_different_things_are_not_compared():
    def with_(then: dict) -> tuple[bool, str]:
        found = decide(METRIC, 1.0, {METRIC: 90.0}, {METRIC: 50.0}, measured=ON, measured_then=then)
        return found.promote, found.why

    assert with_(ON)[0]
    assert with_({**ON, "labels": "lungsound_2"}) == (
        False,
        "The labels differ (lungsound_2 then and lungsound_4 now): the two cannot be compared.",
    )
    assert not with_({**ON, "split": "0"})[0]
    assert not decide(METRIC, 1.0, {METRIC: 90.0}, {"val.student.score_lenient": 10.0}).promote
    other = with_({**ON, "test": {"cycles": 80}})
    assert other[0]
    assert other[1].endswith("the test cycles are others than then.")
