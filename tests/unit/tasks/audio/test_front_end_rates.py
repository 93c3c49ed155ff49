"""Sample rates and fades of the front ends."""

import pytest

from tasks.audio.front_end_rates import rates, unfaded
from tasks.runtime.errors import BreathlineError


def test_rates_are_those_of_the_front_ends():
    assert rates(["efficientat", "ast"]) == [16_000, 32_000]
    assert rates(["ast"]) == [16_000]
    with pytest.raises(BreathlineError, match="no front end `mfcc`"):
        rates(["mfcc"])


def test_recordings_are_faded_unless_all_front_ends_of_their_rate_want_none():
    plain, whole = {"duration_s": 8.0}, {"duration_s": 8.0, "fade": False}
    assert unfaded({"ast": plain, "fbank": plain, "panns": plain}) == []
    assert unfaded({"ast": whole, "fbank": whole, "panns": plain}) == [16_000]
    with pytest.raises(BreathlineError, match=r"fbank and ast differ in `fade`.* 16000 Hz"):
        unfaded({"ast": whole, "fbank": plain})
    with pytest.raises(BreathlineError, match="no front end `mfcc`"):
        unfaded({"mfcc": plain})
    with pytest.raises(BreathlineError, match=r"frontends\.ast\.pad"):
        unfaded({"ast": {"duration_s": 8.0, "pad": "mirror"}})
