"""Objections to the promotion of a model."""

import pytest

from flows import objections
from tasks.runtime.errors import BreathlineError

DEMO = {"generated": True, "student": {"val": {"degenerate": None}}}
FLAGGED = {"generated": False, "student": {"val": {"degenerate": "always normal"}}}


@pytest.mark.parametrize(
    ("metrics", "names"),
    [({}, []), (DEMO, ["demo"]), (FLAGGED, ["degenerate"]), ({**FLAGGED, "generated": True}, ["demo", "degenerate"])],
)
def test_a_model_of_generated_sounds_and_a_degenerate_one_are_refused_unless_allowed(metrics, names):
    assert list(objections.find(metrics)) == names
    objections.check(metrics, names)
    for left in names:
        with pytest.raises(BreathlineError) as error:
            objections.check(metrics, [name for name in names if name != left])
        assert f"registry promote --allow {left}`" in str(error.value.hint)
        assert str(error.value.where) == "reports/metrics.json"


def test_the_refusal_says_what_is_wrong():
    with pytest.raises(BreathlineError, match="it learned from generated sounds and says nothing about real lungs"):
        objections.check(DEMO, [])
    with pytest.raises(BreathlineError, match="it is degenerate on the test cycles: always normal"):
        objections.check(FLAGGED, ["demo"], where="student@v1.0.0")
