"""Drift: shifted use raises an alert, use of the same kind does not, and few recordings are too few to say."""

from dataclasses import replace

import pytest
from scipy.stats import binom

from tasks.monitoring import drift, shares
from tasks.monitoring.settings import Thresholds
from tests.unit.tasks.monitoring.simulated import USUAL, Ward, card

DEFAULT = Thresholds()
REFERENCE = card()["reference"]
SHIFTED = {
    "level_dbfs": replace(USUAL, level=-45.0),
    "centroid_hz": replace(USUAL, centroid=600.0),
    "duration_s": replace(USUAL, seconds=10.0),
    "sample_rate": replace(USUAL, rates=(1.0, 0.0)),
    "device": replace(USUAL, devices=(0.05, 0.95)),
    "predicted": replace(USUAL, classes=(0.1, 0.3, 0.6)),
    "confidence": replace(USUAL, confidence=-1.0),
    "distance": replace(USUAL, distance=7.0),
    "not_judged": replace(USUAL, not_judged=0.4),
}


def compare(ward: Ward, number: int, seed: int = 1, thresholds: Thresholds = DEFAULT):
    (found,) = drift.compare(REFERENCE, [("all", ward.entries(number, seed)[0])], thresholds)
    return found


@pytest.mark.parametrize("name", SHIFTED)
@pytest.mark.parametrize("number", [60, 600])
def test_a_shift_raises_an_alert_of_the_shifted_measure_alone(name, number):
    assert compare(SHIFTED[name], number).alerts == (name,)


@pytest.mark.parametrize("number", [30, 100, 1000])
def test_use_of_the_same_kind_raises_none(number):
    found = compare(USUAL, number)
    assert found.alerts == ()
    assert {one.verdict for one in found.measures} == {"none"}


@pytest.mark.parametrize("simulations", [40, pytest.param(1000, marks=pytest.mark.long)])
def test_false_alarms_are_no_more_frequent_than_the_level_of_the_tests(simulations):
    """Without a least PSI the tests alone decide: at a level of 5 %, at most 5 % of the logs raise an alert."""
    thresholds = Thresholds(psi=1e-9, p=0.05)
    sizes = (15, 120)  # patients that the models learned from
    references = [
        card(seed=1000 + seed, patients=sizes[seed % 2])["reference"] for seed in range(max(4, simulations // 20))
    ]
    alarms = 0
    for seed in range(simulations):
        entries = USUAL.entries(40, seed)[0]
        (found,) = drift.compare(references[seed % len(references)], [("all", entries)], thresholds)
        alarms += any(one.verdict == "drift" for one in found.measures)
    assert alarms <= binom.isf(0.001, simulations, 0.05)


def test_a_tiny_shift_is_significant_between_large_samples_and_raises_no_alert():
    entries = replace(USUAL, level=-28.0).entries(1000, 1)[0]
    large = {**REFERENCE, "effective": dict.fromkeys(REFERENCE["effective"], 5000)}
    (found,) = drift.compare(large, [("all", entries)], DEFAULT)
    level = found.measures[0]
    assert level.p < 0.001
    assert level.psi < 0.2
    assert level.verdict == "none"


def test_few_recordings_are_too_few_to_say_however_large_the_shift():
    found = compare(SHIFTED["level_dbfs"], 29)
    assert {one.verdict for one in (*found.measures, *found.shares)} == {"too few"}
    assert all(one.psi is None and one.p is None for one in found.measures)
    assert compare(SHIFTED["level_dbfs"], 29, thresholds=Thresholds(recordings=20)).alerts == ("level_dbfs",)


def test_many_segments_of_few_recordings_are_few_recordings():
    """Ten recordings with a hundred segments of the rarest class each prove nothing about the next recording."""
    entries = [replace(one, segments=100, predicted={"wheeze": 100}) for one in USUAL.entries(10, 1)[0]]
    (found,) = drift.compare(REFERENCE, [("all", entries)], Thresholds(recordings=10))
    by_name = {one.name: one for one in found.measures}
    assert by_name["predicted"].recordings == 10
    (many,) = drift.compare(
        REFERENCE, [("all", [replace(one, predicted={"wheeze": 1}) for one in entries])], Thresholds(recordings=10)
    )
    assert {one.name: one.p for one in many.measures} == {one.name: one.p for one in found.measures}


def test_a_device_and_a_rate_that_were_never_seen_are_drift_and_are_named():
    entries = [replace(one, device="phone", sample_rate=96000) for one in USUAL.entries(50, 1)[0]]
    (found,) = drift.compare(REFERENCE, [("all", entries)], Thresholds())
    assert found.alerts == ("sample_rate", "device")
    device = next(one for one in found.measures if one.name == "device")
    assert dict(zip(device.bins, device.found, strict=True))["phone"] == 1


def test_what_the_log_or_the_reference_lacks_is_named_and_no_drift():
    entries = [replace(one, device=None, distance=[]) for one in USUAL.entries(50, 1)[0]]
    reference = {key: value for key, value in REFERENCE.items() if key != "centroid_hz"}
    (found,) = drift.compare(reference, [("all", entries)], Thresholds())
    verdicts = {one.name: one.verdict for one in found.measures}
    assert (verdicts["device"], verdicts["distance"], verdicts["centroid_hz"]) == ("not logged",) * 2 + (
        "no reference",
    )
    assert found.alerts == ()


def test_the_correction_counts_the_tests_of_all_periods():
    entries = replace(USUAL, level=-37.0).entries(45, 1)[0]
    (alone,) = drift.compare(REFERENCE, [("one", entries)], Thresholds())
    together = drift.compare(REFERENCE, [(str(week), entries) for week in range(10)], Thresholds())
    assert together[0].measures[0].p > alone.measures[0].p


@pytest.mark.parametrize(("expected", "found", "verdict"), [(0.99, 0, "drift"), (0.99, 10, "none"), (0, 10, "drift")])
def test_a_share_raises_an_alert_in_both_directions_whatever_its_reference_is(expected, found, verdict):
    entries = [
        replace(one, segments=10, decisions={"uncertain": found, "judged": 10 - found})
        for one in USUAL.entries(60, 1)[0]
    ]
    reference = {"decisions": {"uncertain": expected, "judged": 1 - expected}}
    shares_found = {one.name: one.verdict for one in shares.compare(reference, entries, DEFAULT)}
    assert shares_found == {"not_judged": "no reference", "uncertain": verdict, "unlike": "none"}


def test_recordings_that_are_judged_in_part_are_judged_as_in_the_reference():
    entries = [replace(one, segments=10, decisions={"judged": 5, "not_judged": 5}) for one in USUAL.entries(60, 1)[0]]
    not_judged = shares.compare(REFERENCE, entries, DEFAULT)[0]
    assert (not_judged.value, not_judged.verdict) == (0, "none")
