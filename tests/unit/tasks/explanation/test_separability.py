"""Purity and probe of embeddings whose answer is known."""

import numpy as np
import polars as pl
import pytest

from tasks.explanation.colourings import Colouring, colourings
from tasks.explanation.embeddings import omitted
from tasks.explanation.projections import standardize
from tasks.explanation.separability import probe, purity
from tests.unit.tasks.explanation import cohort

CHANCE = {"class": 25.0, "device": 50.0, "location": 100 / 3, "patient": 5.0}


def measured(points, frame=None) -> dict:
    """Return purity and probe of every colouring that can be measured."""
    frame = cohort.cycles() if frame is None else frame
    patients = frame["patient_id"].rank("dense").cast(pl.Int64).to_numpy()
    return {
        each.name: (
            purity(points, each, patients, neighbours=10, confidence=0.95),
            probe(points, each, patients, confidence=0.95),
        )
        for each in colourings(frame)
        if each.reason_against is None
    }


def purity_of(name: str, points, frame):
    """Return the purity of one colouring."""
    (found,) = [each for each in colourings(frame) if each.name == name]
    patients = frame["patient_id"].rank("dense").cast(pl.Int64).to_numpy()
    return purity(points, found, patients, neighbours=10, confidence=0.95)


def two_devices(first_of_other: str) -> pl.DataFrame:
    """Return the table with one device for patients before one, and another for the rest."""
    before = pl.col("patient_id") < first_of_other
    return cohort.cycles().with_columns(device=pl.when(before).then(pl.lit("a")).otherwise(pl.lit("b")))


@pytest.mark.parametrize(("column", "name"), [("device", "device"), ("class_name", "class"), ("location", "location")])
def test_what_an_embedding_separates_is_pure_and_the_rest_is_at_chance(column, name):
    found = measured(standardize(cohort.separated(column).astype(np.float32)))
    assert set(found) == set(CHANCE)
    for other, (near, linear) in found.items():
        # Own patients do not count as neighbours, so that chance is not quite 1 / number of values.
        assert near.chance == pytest.approx(CHANCE[other], abs=3.0)
        assert linear.chance == pytest.approx(CHANCE[other])
        if other == name:
            assert near.value == linear.value == 100.0
            assert near.low is linear.low is None  # no patient differs from another
        elif other != "patient":  # a patient has one device, so that it is not independent
            assert abs(near.value - near.chance) < 8
            assert abs(linear.value - linear.chance) < 15


def test_noise_is_at_chance_within_its_interval():
    for near, linear in measured(cohort.noise()).values():
        assert abs(near.value - near.chance) < 5
        assert abs(linear.value - linear.chance) < 12
        for figure in (near, linear):
            assert figure.low < figure.value < figure.high


def test_a_network_that_knows_patients_does_not_pass_for_one_that_knows_devices():
    """With its own patient among the neighbours, each cycle would have neighbours of its own device only."""
    found = measured(cohort.separated("patient_id"))
    assert found["patient"][0].value == found["patient"][1].value == 100.0
    assert found["device"][0].value < 75


def test_chance_is_the_purity_of_random_neighbours():
    frame = cohort.cycles().with_columns(
        device=pl.when(pl.col("patient_id") < "106").then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    repeated = [purity_of("device", cohort.noise(seed=seed), frame) for seed in range(20)]
    assert np.mean([one.value for one in repeated]) == pytest.approx(repeated[0].chance, abs=1.5)


def test_a_rare_value_counts_as_much_as_a_frequent_one():
    """A space in which all but one device fall together: without weights, purity would be 90 %."""
    frame = cohort.cycles().with_columns(
        device=pl.when(pl.col("patient_id") < "103").then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    near, linear = measured(cohort.noise(), frame)["device"]
    assert near.value < 60
    assert near.chance == pytest.approx(50, abs=4)
    assert linear.chance == 50.0


def test_colourings_that_cannot_be_measured_are_named_with_the_reason():
    frame = cohort.cycles().with_columns(
        location=pl.lit(None, pl.String),
        device=pl.when(pl.col("patient_id") == "101").then(pl.lit("one")).otherwise(pl.lit("other")),
        recording_id=pl.col("patient_id"),
    )
    assert omitted(frame)["test"] == {
        "corpus": "one value: demo",
        "location": "no value is known",
        "device": "fewer than two values occur in several patients",
        "patient": "fewer than two values occur in several recordings",
    }


def test_cycles_without_a_value_or_of_a_value_in_one_patient_are_left_out():
    known = pl.when(pl.col("patient_id") == "101").then(pl.lit("rare")).otherwise("device")
    frame = cohort.cycles().with_columns(device=pl.when(pl.col("patient_id") != "102").then(known))
    (device,) = [each for each in colourings(frame) if each.name == "device"]
    assert int(device.comparable.sum()) == 240 - 2 * 12
    assert measured(cohort.noise(), frame)["device"][1].chance == 50.0


def test_equal_names_of_devices_in_two_corpora_are_two_devices():
    frame = cohort.cycles().with_columns(
        corpus=pl.when(pl.col("patient_id") < "111").then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    names = {each.name: each.names for each in colourings(frame)}
    assert names["corpus"] == ("a", "b")
    assert names["device"] == ("a/AKGC417L", "a/Meditron", "b/AKGC417L", "b/Meditron")


def test_too_few_patients_have_no_interval():
    frame = cohort.cycles().filter(pl.col("patient_id") < "103")
    near, _ = measured(cohort.noise()[: frame.height], frame)["class"]
    assert (near.low, near.high) == (None, None)


@pytest.mark.parametrize("each", [2, 3])
def test_values_with_fewer_cycles_than_folds_are_probed_in_fewer_folds(each):
    """As of patients with two recordings and three cycles."""
    frame = cohort.cycles().with_row_index().filter(pl.int_range(pl.len()).over("patient_id") < each)
    points = cohort.separated("patient_id")[frame["index"]]
    near, linear = measured(points, frame)["patient"]
    assert near.value == 100.0
    assert linear.value > 50


def test_a_fold_without_cycles_is_left_out():
    """Four patients, two of each class, of whom scikit-learn puts two into one of four folds."""
    units = np.repeat(np.arange(4), [4, 2, 2, 1])
    found = Colouring("class", np.array([0, 0, 1, 1])[units], ("a", "b"), units)
    points = np.random.default_rng(0).normal(size=(9, 2)) + 20 * found.values[:, None]
    assert probe(points, found, units, confidence=0.95).value == 100.0


def test_intervals_cover_the_purity_of_new_patients():
    """Patients differ in how well they are separated, as real ones do; intervals of cycles would be too narrow."""
    frame = cohort.cycles()
    inside = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        shift = draw.normal(size=cohort.PATIENTS)[np.repeat(np.arange(cohort.PATIENTS), cohort.EACH)]
        near = purity_of("device", cohort.noise(2, seed) + 3 * shift[:, None], frame)
        inside.append(near.low <= near.chance <= near.high)
    assert np.mean(inside) > 0.85
