"""Check of all parameters: each recipe is accepted as it is, and refused with any key renamed or any type changed."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.recipes import layers
from flows.recipes.params_text import WHOLE
from tasks.parameters import judge
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[4]
COMMITTED = params.read(ROOT / "params.yaml")
RECIPES = [(name, small) for name in layers.names(ROOT / "recipes") for small in (False, True)]
USED: dict[tuple[str, bool], dict[str, Any]] = {}


def used(recipe: tuple[str, bool]) -> dict[str, Any]:
    """Return the parameters of a recipe, or of its small version."""
    if recipe not in USED:
        name, small = recipe
        overrides = layers.resolve(name, small=small, folder=ROOT / "recipes")
        USED[recipe] = params.merge(COMMITTED, overrides, whole=WHOLE)
    return deepcopy(USED[recipe])


def keys(values: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the keys of nested mappings."""
    found = [(*prefix, key) for key in values]
    return found + [inner for key in found if isinstance(values[key[-1]], dict) for inner in keys(values[key[-1]], key)]


def parent(values: dict[str, Any], key: tuple[str, ...]) -> dict[str, Any]:
    for part in key[:-1]:
        values = values[part]
    return values


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_every_recipe_is_accepted(recipe):
    assert list(judge.find(used(recipe))) == []


# Names of these are a user's own, and nothing else refers to them.
NAMED_FREELY = [("teachers",), ("corpora",), ("external",)]


@pytest.mark.slow
@given(recipe=st.sampled_from(RECIPES), data=st.data())
@settings(max_examples=30)
def test_a_renamed_key_is_refused(recipe, data):
    values = used(recipe)
    key = data.draw(st.sampled_from([key for key in keys(values) if key[:-1] not in NAMED_FREELY]))
    change = data.draw(st.sampled_from([lambda name: f"{name}_x", lambda name: f"x{name}", str.upper]))
    section = parent(values, key)
    section[change(key[-1])] = section.pop(key[-1])
    assert list(judge.find(values)), f"{key} renamed"


def wrong(value: Any) -> Any:
    """Return a value of another type."""
    other = {bool: 1, int: "abc", float: "abc", str: 7.5, list: "abc", dict: 7.5, type(None): {"x": 1}}
    return other[type(value)]


@pytest.mark.slow
@given(recipe=st.sampled_from(RECIPES), data=st.data())
@settings(max_examples=30)
def test_a_value_of_another_type_is_refused_with_its_key(recipe, data):
    values = used(recipe)
    key = data.draw(st.sampled_from(keys(values)))
    section = parent(values, key)
    section[key[-1]] = wrong(section[key[-1]])
    found = list(judge.find(values))
    assert any(fault.key[: len(key)] == key for fault in found), f"{key}: {found}"


@pytest.mark.slow
def test_the_student_must_have_each_key_that_dvc_follows():
    declared = params.read(ROOT / "dvc.yaml")["stages"]["train_student"]["params"]
    for key in (one.removeprefix("student.") for one in declared if one.startswith("student.")):
        values = deepcopy(COMMITTED)
        del values["student"][key]
        assert ("student", key) in [fault.key for fault in judge.find(values)]


def test_a_split_without_test_cycles_is_refused_where_the_cycles_are_known(tmp_path):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text().replace("split: official ", "split: 3 "))
    (tmp_path / "data" / "cycles").mkdir(parents=True)
    columns = {
        "corpus": ["demo", "demo"],
        "patient_id": ["1", "2"],
        "device": ["A", "A"],
        "split": ["train", "test"],
        "fold": [0, 1],
    }
    cycles = pa.table({"cycle_id": ["a", "b"], "lungsound_4": [0, 1], **columns})
    pq.write_table(cycles, tmp_path / "data" / "cycles" / "cycles.parquet")
    with pytest.raises(BreathlineError, match=r"params\.yaml:\d+: split is 3: The split `3` has no test cycles"):
        judge.check_split(tmp_path)


def test_a_fraction_of_validation_without_a_whole_patient_is_refused(tmp_path):
    text = (ROOT / "params.yaml").read_text().replace("fraction: 0.2 ", "fraction: 0.04 ")
    (tmp_path / "params.yaml").write_text(text)
    people = [str(number) for number in range(12)]
    columns = {
        "corpus": ["demo"] * 12,
        "patient_id": people,
        "device": ["A"] * 12,
        "split": ["train"] * 10 + ["test"] * 2,
        "fold": [0] * 12,
    }
    cycles = pa.table({"cycle_id": people, "lungsound_4": [0, 1] * 6, **columns})
    (tmp_path / "data" / "cycles").mkdir(parents=True)
    pq.write_table(cycles, tmp_path / "data" / "cycles" / "cycles.parquet")
    words = r"params\.yaml:\d+: validation\.fraction is 0\.04: The training side has 10 .* from 0\.05 to 0\.5"
    with pytest.raises(BreathlineError, match=words):
        judge.check_split(tmp_path)
    (tmp_path / "params.yaml").write_text(text.replace("fraction: 0.04 ", "fraction: 0.05 "))
    judge.check_split(tmp_path)


def test_another_graph_may_have_other_parameters(tmp_path):
    (tmp_path / "params.yaml").write_text("rho: 1\n")
    judge.check_project(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {own: {cmd: 'true', params: [rho]}}\n")
    judge.check_project(tmp_path)
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    with pytest.raises(BreathlineError, match=r"params\.yaml:1: rho is unknown"):
        judge.check_project(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages:\n\tx: 1\n")
    with pytest.raises(BreathlineError, match=r"by a tab(.|\n)*dvc\.yaml:2"):
        judge.check_project(tmp_path)
