"""Each recipe of the project: it fits params.yaml, is replaced as a whole, and keeps its method when small."""

import functools
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import load_yaml, modify_yaml
from ruamel.yaml import YAML

from flows.recipes import layers as recipe_layers
from flows.recipes import params_text

ROOT = Path(__file__).parents[4]
RECIPES = recipe_layers.names(ROOT / "recipes")
COMMITTED = (ROOT / "params.yaml").read_text()


@functools.cache
def used(name: str, text: str = COMMITTED, *, small: bool = False) -> str:
    return params_text.apply(text, recipe_layers.resolve(name, small=small, folder=ROOT / "recipes"))[0]


@functools.cache
def _read(text: str) -> dict[str, Any]:
    return YAML(typ="safe").load(text)


def values(text: str) -> dict[str, Any]:
    """Return the values of a params.yaml, which is read once."""
    return deepcopy(_read(text))


@pytest.mark.parametrize("small", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "name", ["demo", *(pytest.param(name, marks=pytest.mark.slow) for name in RECIPES if name != "demo")]
)  # 0.3 s each
def test_each_recipe_fits_params_yaml_and_the_next_recipe_replaces_all_of_it(name, small):
    """Whatever is used after the demo, which is committed, the demo comes back byte for byte."""
    text = used(name, small=small)
    assert used(name, text, small=small) == text
    assert used("demo", text) == COMMITTED
    params = values(text)
    set_by = recipe_layers.resolve(name, small=small, folder=ROOT / "recipes")
    for section in set(params) - {"corpora", "external", "validate", "evaluation"}:
        assert set_by[section] == params[section], f"{section} keeps something of what was used before"


@pytest.mark.parametrize("name", RECIPES)
def test_small_keeps_the_method(name):
    """What makes a method must be in its miniature: all but sizes, weights, seeds and lengths."""
    full, small = (values(used(name, small=small)) for small in (False, True))
    for part in (full, small):
        part["student"]["objective"]["patchmix"].pop("projection")
        part["teachers"] = {
            key: (teacher.get("seed"), teacher.get("fold")) for key, teacher in part["teachers"].items()
        }
    assert small["student"]["objective"] == full["student"]["objective"]
    for section in ("student", "teacher_training"):
        for key in ("optimizer", "sampler", "specaugment", "waveform", "moving_average"):
            assert small[section][key] == full[section][key]
    for section in ("soft_labels", "selections", "teachers"):
        assert small[section] == full[section]
    assert set(small["weights"]) == {"scratch"}
    assert small["student"]["seeds"] == [1]


@pytest.mark.parametrize(
    "name", ["demo", *(pytest.param(name, marks=pytest.mark.long) for name in RECIPES if name != "demo")]
)
def test_dvc_can_change_what_a_recipe_wrote(name, tmp_path):
    """`dvc exp run -S` rewrites params.yaml, and wraps long lines."""
    path = tmp_path / "params.yaml"
    text = used(name)
    path.write_text(text)
    with modify_yaml(str(path)) as params:
        params["student"]["optimizer"]["rho"] = 0.07
    expected = values(text)
    expected["student"]["optimizer"]["rho"] = 0.07
    assert load_yaml(str(path)) == expected
