"""Resolution of recipes over base recipes and defaults, and of small versions."""

from pathlib import Path

import pytest

from flows.recipes import layers as recipe_layers
from tasks.runtime.errors import BreathlineError

DEFAULTS = """\
overrides:
  lr: 1
  frontends: {ast: 8, fbank: 8}
  weights: {published: url, scratch: none}
  student: {options: {}, frontend: ast, weights: published, seeds: [1, 2]}
  teachers: {}
small: {student: {weights: scratch, seeds: [1]}, teachers: {"*": {weights: scratch}}}
"""
TEACHERS = """\
  teachers:
    a: &teacher {options: {size: base}, frontend: fbank, weights: published, seed: 1}
    b: {<<: *teacher, seed: 2}
"""


def layers(folder: Path, **recipes: str) -> Path:
    """Return a folder of recipes, over small defaults."""
    for name, text in {"defaults": DEFAULTS, **recipes}.items():
        (folder / f"{name}.yaml").write_text(f"description: x\n{text}\n")
    return folder


def test_a_recipe_is_merged_over_its_base_and_the_defaults(tmp_path):
    base = f"overrides:\n  lr: 2\n  student: {{options: {{size: base}}}}\n{TEACHERS}"
    top = "based_on: base\noverrides: {student: {options: {depth: 3}}}"
    found = recipe_layers.resolve("top", folder=layers(tmp_path, base=base, top=top))
    assert found["lr"] == 2
    assert found["student"] == {"options": {"depth": 3}, "frontend": "ast", "weights": "published", "seeds": [1, 2]}
    assert [teacher["seed"] for teacher in found["teachers"].values()] == [1, 2]
    assert recipe_layers.names(tmp_path) == ["base", "top"]


def test_small_changes_existing_teachers_and_replaces_their_options(tmp_path):
    small = "small: {teachers: {'*': {options: {depth: 1}}, b: {seed: 5}}}"
    layers(tmp_path, top=f"overrides:\n{TEACHERS}{small}", odd="overrides: {}\nsmall: {teachers: {c: {seed: 1}}}")
    found = recipe_layers.resolve("top", small=True, folder=tmp_path)
    shrunk = {"options": {"depth": 1}, "frontend": "fbank", "weights": "scratch"}
    assert found["teachers"] == {"a": {**shrunk, "seed": 1}, "b": {**shrunk, "seed": 5}}
    assert (found["student"]["weights"], found["student"]["seeds"]) == ("scratch", [1])
    with pytest.raises(BreathlineError, match="changes the teacher `c`"):
        recipe_layers.resolve("odd", small=True, folder=tmp_path)


def test_front_ends_and_weights_that_no_network_uses_are_left_out(tmp_path):
    layers(tmp_path, plain="overrides: {}", taught=f"overrides:\n{TEACHERS}")
    plain, taught = (recipe_layers.resolve(name, folder=tmp_path) for name in ("plain", "taught"))
    assert (plain["frontends"], plain["weights"]) == ({"ast": 8}, {"published": "url"})
    assert taught["frontends"] == {"ast": 8, "fbank": 8}
    assert recipe_layers.resolve("taught", small=True, folder=tmp_path)["weights"] == {"scratch": "none"}


def test_unknown_recipes_wrong_keys_and_circles_are_refused(tmp_path):
    layers(tmp_path, odd="override: {}", one="based_on: two\noverrides: {}", two="based_on: one\noverrides: {}")
    with pytest.raises(BreathlineError, match="has the keys description and overrides"):
        recipe_layers.load("odd", tmp_path)
    with pytest.raises(BreathlineError, match=r"recipe `other` does not exist(.|\n)*odd, one, two"):
        recipe_layers.load("other", tmp_path)
    with pytest.raises(BreathlineError, match="`one` is based on itself"):
        recipe_layers.resolve("one", folder=tmp_path)
