from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.runtime.errors import BreathlineError
from tasks.subsets import validation_patients
from tasks.subsets.settings import SPLITS
from tasks.subsets.splits import assign, cycles_to_test

TEXTS, NUMBERS = ("corpus", "cycle_id", "patient_id", "device", "split"), ("fold", "lungsound_4")
SCHEMA = pa.schema(dict.fromkeys(TEXTS, pa.string()) | dict.fromkeys(NUMBERS, pa.int8()))
SIDES = {"official": "split", "official-disjoint": "split"} | dict.fromkeys(SPLITS[2:], "fold")


def table(rows: list[dict[str, Any]]) -> pa.Table:
    ids = [f"{row['patient_id']}_{index:03}" for index, row in enumerate(rows)]
    return pa.Table.from_pylist(
        [
            {"corpus": "demo", **row, "cycle_id": name, "patient_id": name[:3]}
            for name, row in zip(ids, rows, strict=True)
        ],
        SCHEMA,
    )


def cycles_of(patient: int, counts: Sequence[int], split: str | None = "train", fold: int | None = 0) -> list[dict]:
    labels = np.repeat(range(len(counts)), counts).tolist()
    return [{"patient_id": patient, "split": split, "fold": fold, "lungsound_4": label} for label in labels]


@st.composite
def corpora(draw: st.DrawFn) -> pa.Table:
    rows = []
    for patient in range(101, 101 + draw(st.integers(6, 16))):
        fold = draw(st.none() | st.integers(0, 4))
        for split in draw(st.sampled_from([["train"], ["test"], ["train", "test"], [None]])):
            counts = draw(st.tuples(*[st.sampled_from([0, 0, 1, 3, 20])] * 4))
            rows += cycles_of(patient, counts, split, fold)
        rows += [{"patient_id": patient, "split": "train", "fold": fold, "lungsound_4": None}]
    draw(st.randoms(use_true_random=False)).shuffle(rows)
    return table(rows)


@pytest.mark.slow
@settings(max_examples=120)
@given(cycles=corpora(), split=st.sampled_from(SPLITS), fraction=st.floats(0.05, 0.6), seed=st.integers(0, 3))
def test_every_cycle_has_its_one_right_place(cycles, split, fraction, seed):
    rows = {row["cycle_id"]: row for row in cycles.to_pylist()}
    try:
        subsets = assign(cycles, labels="lungsound_4", split=split, fraction=fraction, seed=seed)
    except BreathlineError as error:
        assert any(text in str(error) for text in ("has no", "has one patient", "less than half a patient"))  # noqa: PT017
        return
    test_value = "test" if SIDES[split] == "split" else int(split)
    patients: dict[str, set[int]] = {"train": set(), "val": set(), "test": set()}
    for cycle_id, row in rows.items():
        value, subset = row[SIDES[split]], subsets.get(cycle_id)
        if row["lungsound_4"] is None or value is None:
            assert subset is None
        elif value == test_value:
            assert subset == "test"
        else:
            assert subset in {"train", "val"} or (subset is None and split == "official-disjoint")
        if subset:
            patients[subset].add(row["patient_id"])
    assert list(subsets) == sorted(subsets)
    assert all(patients.values())
    assert not patients["train"] & patients["val"]
    if split != "official":
        assert not (patients["train"] | patients["val"]) & patients["test"]
    elif (patients["train"] | patients["val"]) - patients["test"]:
        assert not patients["val"] & patients["test"]


@given(seed=st.integers(0, 50))
@settings(max_examples=20)
def test_shares_come_near_the_fraction_and_depend_on_the_seed_alone(seed):
    rows = cycles_of(300, (5, 5, 5, 5), "test")
    for patient in range(101, 141):
        rows += cycles_of(patient, (patient % 7 + 1, patient % 5, patient % 3, int(patient % 4 == 0)))
    cycles = table(rows)
    subsets = assign(cycles, labels="lungsound_4", split="official", fraction=0.25, seed=seed)
    backwards = cycles.take(list(range(cycles.num_rows))[::-1])
    assert assign(backwards, labels="lungsound_4", split="official", fraction=0.25, seed=seed) == subsets
    training = [row for row in cycles.to_pylist() if row["split"] == "train"]
    counts = Counter((row["lungsound_4"], subsets[row["cycle_id"]]) for row in training)
    for label in range(4):
        val, train = counts[label, "val"], counts[label, "train"]
        assert val / (val + train) == pytest.approx(0.25, abs=0.06)


@pytest.mark.slow
@settings(max_examples=40)
@given(cycles=corpora(), split=st.sampled_from(SPLITS), devices=st.lists(st.integers(0, 1), min_size=1, max_size=50))
def test_one_stethoscope_alone_is_the_same_as_a_table_without_the_others(cycles, split, devices):
    names = [("Meditron", "LittC2SE")[devices[index % len(devices)]] for index in range(len(cycles))]
    cycles = cycles.set_column(cycles.schema.get_field_index("device"), "device", pa.array(names))
    only = cycles.filter([name == "Meditron" for name in names])
    try:
        wanted = assign(only, labels="lungsound_4", split=split, fraction=0.3, seed=0)
    except BreathlineError:
        return
    assert assign(cycles, labels="lungsound_4", split=f"{split}@Meditron", fraction=0.3, seed=0) == wanted
    with pytest.raises(BreathlineError, match=r"no recording with `Litmann`(.|\n)*Meditron"):
        assign(cycles, labels="lungsound_4", split=f"{split}@Litmann", fraction=0.3, seed=0)


def test_different_seeds_choose_different_patients():
    rows = cycles_of(300, (1,), "test") + [row for patient in range(101, 141) for row in cycles_of(patient, (3, 1))]
    chosen = set()
    for seed in range(4):
        subsets = assign(table(rows), labels="lungsound_4", split="official", fraction=0.2, seed=seed)
        chosen.add(frozenset(cycle_id for cycle_id, subset in subsets.items() if subset == "val"))
    assert len(chosen) == 4


def test_the_shares_also_come_near_the_fraction_if_only_a_part_of_the_exchanges_is_tried(monkeypatch):
    """With 100,000 patients, all exchanges of two would need hundreds of GB."""
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=(60, 20)).astype(np.int8)
    costs = []
    cost = validation_patients._cost
    monkeypatch.setattr(validation_patients, "EXCHANGES", 100)
    monkeypatch.setattr(
        validation_patients, "_cost", lambda total, *rest: costs.append(total.size) or cost(total, *rest)
    )
    patients, nobody = np.repeat(np.arange(60), 20), np.array([], dtype=np.int64)
    drawn = [
        validation_patients.choose(patients, labels.ravel(), kept_in_train=nobody, fraction=0.2, seed=0)
        for _ in range(2)
    ]
    assert drawn[0].tolist() == drawn[1].tolist()
    assert max(costs) <= (100 + 60) * 6
    shares = np.bincount(labels[drawn[0]].ravel()) / np.bincount(labels.ravel())
    assert shares == pytest.approx(0.2, abs=0.01)
    assert len(drawn[0]) == 12


def test_a_rare_class_stands_on_both_sides_where_two_patients_have_it():
    rows = cycles_of(300, (1,), "test")
    for patient in range(101, 121):
        rows += cycles_of(patient, (10, 2, 0, 1 if patient in {103, 117} else 0))
    for seed in range(5):
        subsets = assign(table(rows), labels="lungsound_4", split="official", fraction=0.2, seed=seed)
        sides = {subsets[row["cycle_id"]] for row in table(rows).to_pylist() if row["lungsound_4"] == 3}
        assert sides == {"train", "val"}


def test_who_is_in_test_validates_only_if_nobody_else_can():
    shared = [row for patient in (156, 218) for split in ("train", "test") for row in cycles_of(patient, (5, 5), split)]
    alone = assign(table(shared), labels="lungsound_4", split="official", fraction=0.5, seed=0)
    assert set(alone.values()) == {"train", "val", "test"}
    rows = table(shared + cycles_of(101, (1, 1)))
    subsets = assign(rows, labels="lungsound_4", split="official", fraction=0.5, seed=0)
    assert {cycle_id[:3] for cycle_id, subset in subsets.items() if subset == "val"} == {"101"}
    with pytest.raises(BreathlineError, match="has no training cycles"):
        assign(table(shared), labels="lungsound_4", split="official-disjoint", fraction=0.5, seed=0)


def test_a_fold_may_be_a_number_and_what_does_not_exist_is_refused():
    cycles = table([row for patient in range(101, 111) for row in cycles_of(patient, (2, 2), fold=patient % 5)])
    by_text = assign(cycles, labels="lungsound_4", split="3", fraction=0.2, seed=0)
    assert assign(cycles, labels="lungsound_4", split=3, fraction=0.2, seed=0) == by_text
    assert {cycle_id[:3] for cycle_id, subset in by_text.items() if subset == "test"} == {"103", "108"}
    for fault in ({"split": "5"}, {"labels": "lungsound"}, {"fraction": 0.0}, {"fraction": 1.0}):
        with pytest.raises(BreathlineError, match=r"There (is|are) no|less than half a patient"):
            assign(cycles, **{"labels": "lungsound_4", "split": "0", "fraction": 0.2, "seed": 0, **fault})


def test_each_corpus_has_its_own_split():
    demo = [{**row, "corpus": "demo"} for patient in (101, 102, 103) for row in cycles_of(patient, (2, 2), "train")]
    demo += [{**row, "corpus": "demo"} for row in cycles_of(104, (2, 2), "test")]
    other = [{**row, "corpus": "other"} for patient in (201, 202) for row in cycles_of(patient, (2, 2), "train", 0)]
    other += [{**row, "corpus": "other"} for row in cycles_of(203, (2, 2), "inter", 1)]
    rows = table([*demo, *other])
    split = {"demo": "official", "other": "inter"}
    subsets = assign(rows, labels="lungsound_4", split=split, fraction=0.3, seed=0)
    assert {cycle[:3] for cycle, subset in subsets.items() if subset == "test"} == {"104", "203"}
    assert len({cycle[:3] for cycle, subset in subsets.items() if subset == "val"}) in (1, 2)
    for wrong, message in (({"demo": "official"}, "other has no split"), ("official", "`official` has no test cycles")):
        with pytest.raises(BreathlineError, match=message):
            assign(rows, labels="lungsound_4", split=wrong, fraction=0.3, seed=0)


def test_an_external_corpus_is_tested_on_all_cycles_or_on_the_test_side_of_a_split():
    rows = table([*cycles_of(101, (2, 1), "train", 0), *cycles_of(102, (1, 1), "test", 1)])
    assert cycles_to_test(rows, labels="lungsound_4", split="all", where="").tolist() == [True] * 5
    assert cycles_to_test(rows, labels="lungsound_4", split="official", where="").tolist() == [False] * 3 + [True] * 2
    assert cycles_to_test(rows, labels="lungsound_4", split=0, where="").tolist() == [True] * 3 + [False] * 2
    for split, message in (("inter", "no split `inter`"), ("4", "no cycle with a label")):
        with pytest.raises(BreathlineError, match=message):
            cycles_to_test(rows, labels="lungsound_4", split=split, where="external.x.test")
