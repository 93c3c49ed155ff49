"""JSON Schemas of params.yaml and of recipes, and the description of architectures without torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import timm
from jsonschema import Draft202012Validator

from models.frontends import registry as front_ends
from models.networks import registry
from models.networks.base import PatchNetwork
from models.networks.options import declarations
from tasks.parameters import networks, schema
from tasks.runtime import params

ROOT = Path(__file__).parents[4]


@pytest.mark.slow
def test_the_schemas_are_those_of_the_model(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    schema.main()
    for path in (schema.PARAMS_SCHEMA, schema.RECIPE_SCHEMA):
        made, shipped = path.read_text(encoding="utf-8"), (ROOT / path).read_text(encoding="utf-8")
        assert made == shipped, "run `python -m tasks.parameters.schema`"
        Draft202012Validator.check_schema(json.loads(made))


def test_params_and_recipes_fit_their_schemas_and_name_them():
    validators = [Draft202012Validator(json.loads((ROOT / path).read_text(encoding="utf-8"))) for path in (
        schema.PARAMS_SCHEMA, schema.RECIPE_SCHEMA)]  # fmt: skip
    assert list(validators[0].iter_errors(params.read(ROOT / "params.yaml"))) == []
    assert (ROOT / "params.yaml").read_text(encoding="utf-8").startswith(f"{schema.EDITOR_LINE}\n")
    for path in (ROOT / "recipes").glob("*.yaml"):
        assert list(validators[1].iter_errors(params.read(path))) == [], path
        named = path.read_text(encoding="utf-8").partition("\n")[0].partition("$schema=")[2]
        assert (path.parent / named).resolve() == ROOT / schema.RECIPE_SCHEMA


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ((), {"studnet": {}}),
        (("student", "optimizer"), {"rho": -1}),
        (("student", "optimizer"), {"name": "adamW"}),
        (("student",), {"options": {"depth": 3}}),
        (("teachers", "cnn_s1", "override"), {"epochs": 3}),
        (("teachers", "cnn_s1", "options"), {"width": "huge"}),
        (("weights",), {"x; y": {"source": "none"}}),
        (("frontends",), {"other": {"duration_s": 1}}),
        (("corpora", "demo"), {"format": 3}),
    ],
)
def test_an_editor_marks_a_wrong_edit(section, change):
    values = params.read(ROOT / "params.yaml")
    place = values
    for part in section:
        place = place[part]
    place.update(change)
    validator = Draft202012Validator(json.loads((ROOT / schema.PARAMS_SCHEMA).read_text(encoding="utf-8")))
    assert list(validator.iter_errors(values))


def test_the_schema_has_the_comments_of_params_yaml():
    made = json.loads((ROOT / schema.PARAMS_SCHEMA).read_text(encoding="utf-8"))
    optimizer = made["$defs"]["OptimizerSettings"]["properties"]
    assert optimizer["clip_norm"]["description"] == "largest norm of the gradient; null: no clipping"
    assert made["properties"]["split"]["description"].endswith("another one for each corpus")


def test_architectures_are_described_as_they_are_built():
    built, declared = registry.architectures(), declarations()
    assert declared.keys() == built.keys()
    for name, entry in built.items():
        assert declared[name].options.__annotations__.keys() == entry.options.__annotations__.keys()
        assert declared[name].options() == declared[name].options(**vars(entry.options()))
        patches = isinstance(entry.build, type) and issubclass(entry.build, PatchNetwork)
        assert declared[name].patches == patches, name


def test_front_ends_have_a_scale_as_their_classes_have():
    assert front_ends.with_scale() == [n for n in front_ends.sample_rates() if front_ends.find(n).scale is not None]


def test_the_networks_of_timm_are_found_without_importing_it():
    assert set(timm.list_models()) <= networks.timm_names()


@pytest.mark.slow
def test_the_check_imports_neither_torch_nor_dvc():
    code = "from tasks.parameters import judge; import sys; assert judge.problems() == []; " + (
        "print(sorted({'torch', 'timm', 'dvc', 'prefect', 'sklearn', 'polars'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
