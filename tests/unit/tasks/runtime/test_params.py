"""Merging and flattening of nested settings, and the files of the corpus's facts."""

import json
from typing import Any

import pytest

from tasks.corpora.demo import facts as demo
from tasks.runtime import corpus_facts
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten, merge


def test_nested_keys_are_set_and_the_inputs_stay_as_they_were():
    base: dict[str, Any] = {"a": {"b": 1, "c": [1, 2]}, "d": {"x": 1}}
    merged = merge(base, {"a": {"c": [3]}, "d": {"y": 2}}, whole=["d"])
    assert merged == {"a": {"b": 1, "c": [3]}, "d": {"y": 2}}
    merged["a"]["b"] = 9
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": {"x": 1}}


def test_a_prefix_names_the_place_of_the_mappings():
    assert merge({"options": {"x": 1}}, {"options": {"y": 2}}, whole=["student.options"], prefix="student.") == {
        "options": {"y": 2}
    }


@pytest.mark.parametrize(
    ("value", "lists", "leaves"),
    [
        ({}, False, {}),
        ({"a": {}, "b": {"c": 1, 2: [1]}}, False, {"a": {}, "b.c": 1, "b.2": [1]}),
        ({"a": [{"b": 1}, 2], "c": [1, 2]}, True, {"a.0.b": 1, "a.1": 2, "c": [1, 2]}),
        ({"a": [{"b": 1}]}, False, {"a": [{"b": 1}]}),
    ],
)
def test_leaves_have_dotted_keys(value, lists, leaves):
    assert flatten(value, lists=lists) == leaves


def test_a_leaf_keeps_the_key_that_is_given():
    assert flatten(3, "student.seed") == {"student.seed": 3}
    assert flatten({}, "student.options") == {"student.options": {}}


@pytest.fixture
def facts() -> corpus_facts.CorpusFacts:
    identity = Identity(
        name="demo", statement="The demo", evidence="Generated.", verified=True, complete=True, recordings=3
    )
    return demo.facts(identity)


def test_facts_come_back_as_they_were_written(tmp_path, facts):
    corpus_facts.write(tmp_path, facts)
    assert corpus_facts.read(tmp_path) == facts
    assert corpus_facts.read_label_sets(tmp_path) == facts.label_sets
    assert "label_sets" not in json.loads((tmp_path / "corpus.json").read_text())


def test_missing_facts_are_named(tmp_path):
    with pytest.raises(BreathlineError, match=r"corpus\.json: the file is missing"):
        corpus_facts.read(tmp_path)


def test_unknown_keys_and_missing_keys_are_named(tmp_path, facts):
    corpus_facts.write(tmp_path, facts)
    (tmp_path / "corpus.json").write_text("{}")
    with pytest.raises(BreathlineError, match="title: Field required"):
        corpus_facts.read(tmp_path)
