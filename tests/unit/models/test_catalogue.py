"""The catalogue against the registry and against what the recipes declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.recipes import layers
from models.catalogue import MODELS, WEIGHTS
from models.frontends.rates import SAMPLE_RATES
from models.networks.registry import ARCHITECTURES, find
from tasks.runtime.params import read

RECIPES = Path(__file__).parents[3] / "recipes"


def test_every_architecture_is_listed_with_options_and_a_front_end_that_it_has() -> None:
    assert {model.architecture for model in MODELS.values() if not model.architecture.startswith("timm/")} == set(
        ARCHITECTURES
    )
    for name, model in MODELS.items():
        find(model.architecture).options(**model.options)
        assert model.frontend in SAMPLE_RATES, name


def test_all_weights_belong_to_a_model_and_no_hash_is_half_a_hash() -> None:
    assert {weights for model in MODELS.values() for weights in model.weights} == set(WEIGHTS)
    for name, weights in WEIGHTS.items():
        assert weights.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", weights.sha256), name
        assert weights.source.startswith(("https://", "hf:", "timm:")), name


def test_timm_has_the_weights_that_are_said_to_be_its_own_under_that_licence() -> None:
    timm = pytest.importorskip("timm")
    for name, weights in WEIGHTS.items():
        if weights.source.startswith("timm:"):
            config = timm.get_pretrained_cfg(weights.source.removeprefix("timm:"))
            assert (config.hf_hub_id, config.license) == (f"timm/{weights.source[5:]}", weights.licence), name


@pytest.mark.parametrize("recipe", [*layers.names(RECIPES), layers.DEFAULTS])
def test_recipes_declare_weights_as_the_catalogue_does(recipe: str) -> None:
    declared = read(RECIPES / f"{recipe}.yaml")["overrides"].get("weights", {})
    for name, given in declared.items():
        if name == "scratch":
            continue
        known = WEIGHTS[name]
        assert (given["source"], given["sha256"]) == (known.source, known.sha256)
        assert given.get("licence", known.licence) == known.licence
