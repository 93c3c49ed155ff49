"""Published sizes and weights against the architectures, timm and the recipes."""

import re
from pathlib import Path

import pytest
import timm

from flows.recipes import layers
from models.frontends.registry import sample_rates
from models.networks.registry import architectures, find, variants
from tasks.runtime.params import read

RECIPES = Path(__file__).parents[4] / "recipes"
WEIGHTS = {name: weights for variant in variants().values() for name, weights in variant.weights.items()}


def test_every_architecture_has_a_published_size_and_a_known_front_end():
    published = {variant.architecture for variant in variants().values()}
    assert {name for name in published if not name.startswith("timm/")} == set(architectures()) - {"timm/"}
    assert {entry.frontend for entry in architectures().values()} <= set(sample_rates())
    for variant in variants().values():
        find(variant.architecture).options(**variant.options)


def test_a_hash_is_whole_or_absent():
    for name, weights in WEIGHTS.items():
        assert weights.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", weights.sha256), name
        assert weights.source.startswith(("https://", "hf:", "timm:")), name


@pytest.mark.parametrize("weights", [weights for weights in WEIGHTS.values() if weights.source.startswith("timm:")])
def test_timm_distributes_its_weights_under_the_listed_licence(weights):
    config = timm.get_pretrained_cfg(weights.source.removeprefix("timm:"))
    assert (config.hf_hub_id, config.license) == (f"timm/{weights.source[5:]}", weights.licence)


@pytest.mark.parametrize("recipe", [*layers.names(RECIPES), layers.DEFAULTS])
def test_recipes_declare_weights_as_the_networks_do(recipe):
    declared = read(RECIPES / f"{recipe}.yaml")["overrides"].get("weights", {})
    for name, given in declared.items():
        if name == "scratch":
            continue
        known = WEIGHTS[name]
        assert (given["source"], given["sha256"]) == (known.source, known.sha256)
        assert given.get("licence", known.licence) == known.licence
