"""The rules without Great Expectations."""

from functools import partial
from itertools import combinations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tasks.checks import rules

CYCLES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(1, 6)), max_size=8)


def cycles_of(rows: list[tuple[str, int, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["recording_id", "start_s", "length"]).astype({"start_s": float})
    frame["end_s"] = frame["start_s"] + frame["length"]
    frame["cycle_index"] = frame.groupby("recording_id").cumcount()
    return frame


@given(CYCLES)
def test_cycles_are_apart_only_if_no_two_overlap(rows):
    frame = cycles_of(rows)
    overlapping = any(
        one.recording_id == other.recording_id and one.start_s < other.end_s and other.start_s < one.end_s
        for one, other in combinations(frame.itertuples(), 2)
    )
    assert rules.apart(frame, tolerance_s=0).all() != overlapping


@given(CYCLES, st.integers(0, 99))
def test_results_keep_the_index_of_their_rows(rows, seed):
    frame = cycles_of(rows)
    shuffled = frame.sample(frac=1, random_state=seed)
    for rule in (rules.in_order, rules.numbered_without_gap):
        assert rule(shuffled).sort_index().tolist() == rule(frame).tolist()


def test_cycles_may_overlap_where_the_publisher_has_such():
    frame = cycles_of([("a", 0, 3), ("a", 1, 3), ("b", 0, 3), ("b", 1, 3)]).assign(release=["1", "1", "2", "2"])
    assert rules.apart(frame, tolerance_s=0, overlapping={"release": ["2"]}).tolist() == [True, False, True, True]


def test_patients_of_a_shared_side_may_be_on_another_side():
    frame = pd.DataFrame({"patient_id": list("aabbc"), "split": ["train", "intra", "train", "inter", "intra"]})
    found = rules.on_one_side(frame, allowed=[], shared=["intra"])
    assert found.tolist() == [True, True, False, False, True]


def test_the_cycle_that_starts_too_early_is_the_one_at_fault():
    frame = cycles_of([("a", 0, 2), ("a", 2, 3), ("a", 4, 1), ("b", 4, 1)])
    assert rules.apart(frame, tolerance_s=0).tolist() == [True, True, False, True]
    assert rules.apart(frame, tolerance_s=1).all()
    frame["start_s"] = [0.0, 4, 2, 4]
    assert rules.in_order(frame).tolist() == [True, True, False, True]


def test_groups_are_named_by_class_and_nulls_belong_to_no_group():
    frame = pd.DataFrame({"split": ["train", "train", "test"], "lungsound_4": [1, None, 3.0], "patient_id": [7, 7, 7]})
    count = partial(rules.group_counts, frame, classes={"lungsound_4": ["normal", "crackle", "wheeze", "both"]})
    assert count(groups=["split", "lungsound_4"], distinct=None) == {"test both": 1, "train crackle": 1}
    assert count(groups=["patient_id"], distinct=None) == {"7": 3}
    assert count(groups=["split"], distinct="patient_id") == {"test": 1, "train": 1}


def test_labels_follow_the_joined_values_of_their_sources():
    frame = pd.DataFrame({"a": [0, 1, 1, None], "b": ["x", "x", "y", "x"], "label": [0, 1, None, None]})
    classes = {"label": {"0 x": 0, "1 x": 1}}
    assert rules.labels_follow(frame, classes=classes).all()
    assert rules.labels_follow(frame.assign(label=[1, None, 0, 0]), classes=classes).tolist() == [False] * 4


def test_one_known_alternative_is_enough():
    frame = pd.DataFrame({"a": [1, None, None], "b": [None, 1, 1], "c": [None, 1, None]})
    assert rules.any_known(frame, alternatives=[["a"], ["b", "c"]]).tolist() == [True, True, False]


def test_recordings_that_need_no_cycle_are_excepted():
    frame = pd.DataFrame({"cycles": [1, 0, 0, 0], "record": ["Poor", "Poor", "Normal", None]})
    assert rules.has_cycles(frame, without={"record": ["Poor"]}).tolist() == [True, True, False, False]
    assert rules.has_cycles(frame, without={}).tolist() == [True, False, False, False]
