"""Labels of networks with a head for each corpus: outputs, what the classes mean, and the tests of each corpus."""

import json
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.runtime.corpus_facts import LabelSet
from tasks.runtime.errors import BreathlineError
from tasks.subsets.assignment import assign_table
from tasks.subsets.settings import ValidationSettings

SETS = {
    "shared": LabelSet(column="shared", classes=("normal", "crackle"), description=""),
    "events": LabelSet(column="events", classes=("normal", "stridor", "fine", "coarse"), description=""),
    "diagnosis": LabelSet(column="diagnosis", classes=("healthy", "ill"), description=""),
}
# Class of each cycle of a patient: shared, event (only in the corpus `b`), diagnosis (mixed with the sounds).
CYCLES = {"a": [(0, None, 0), (1, None, 0)], "b": [(0, 0, 0), (None, 1, 1), (1, 2, 1), (1, 3, 0)]}


@pytest.fixture
def table(tmp_path):
    """Return the path of a table of two corpora, with six patients each, two of them in test."""
    rows = [
        {
            "cycle_id": f"{corpus}{patient}_{index}",
            "corpus": corpus,
            "recording_id": f"{corpus}{patient}",
            "patient_id": f"{corpus}{patient}",
            "device": "x",
            "split": "test" if patient < 2 else "train",
            "fold": None,
            "shared": shared,
            "events": event,
            "diagnosis": diagnosis,
        }
        for corpus, cycles in CYCLES.items()
        for patient in range(6)
        for index, (shared, event, diagnosis) in enumerate(cycles)
    ]
    found = pa.Table.from_pylist(rows)
    for name in ("fold", *SETS):
        found = found.set_column(found.column_names.index(name), name, found[name].cast(pa.int8()))
    pq.write_table(found, tmp_path / "cycles.parquet")
    (tmp_path / "label_sets.json").write_text(json.dumps({name: asdict(one) for name, one in SETS.items()}))
    return tmp_path / "cycles.parquet"


def assign(table, heads: dict[str, str]):
    validation = ValidationSettings(fraction=0.3, seed=0)
    return assign_table(table, labels="shared", split="official", validation=validation, heads=heads)


def test_each_corpus_has_its_own_outputs_and_tests(table):
    found = assign(table, {"a": "shared", "b": "events"})
    assert found.heads is not None
    assert found.heads.by_corpus["b"].shared == (0, None, 1, 1)
    assert (found.outputs, found.classes) == (6, ("normal", "crackle"))
    assert [found.targets[f"a5_{index}"] for index in range(2)] == [0, 1]
    assert [found.targets[f"b5_{index}"] for index in range(4)] == [2, 3, 4, 5]
    # A cycle that only its corpus labels is learned from, and judged in the classes of its corpus alone.
    assert found.subsets["b5_1"] in ("train", "val")
    assert "b0_1" not in found.subsets
    assert found.native_tests["b"] == [f"b{patient}_{index}" for patient in range(2) for index in range(4)]
    assert found.corpora_of(["a0_0", "b0_0"]) == ["a", "b"]


def test_one_head_for_all_has_the_shared_classes_as_outputs(table):
    found = assign(table, {})
    assert (found.heads, found.outputs, found.native_tests) == (None, 2, {})
    assert "b5_1" not in found.subsets


@pytest.mark.parametrize(
    ("heads", "where", "what"),
    [
        ({"a": "shared"}, "heads.b", "The corpus b has no head."),
        ({"a": "shared", "b": "sounds"}, "heads.b", "There is no label set `sounds`."),
        ({"a": "shared", "b": "diagnosis"}, "heads.b", "Cycles of the class healthy of `diagnosis` have different"),
        ({"a": "events", "b": "events"}, "heads.a", "has no normal or no abnormal cycles of `shared`."),
    ],
)
def test_heads_that_cannot_be_learned_are_refused(table, heads, where, what):
    with pytest.raises(BreathlineError) as caught:
        assign(table, heads)
    assert caught.value.where == where
    assert what in caught.value.what
