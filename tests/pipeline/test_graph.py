"""dvc.yaml against the imports of the stages and the parameters of params.yaml."""

import ast
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from flows.recipes import layers as recipe_layers
from flows.recipes import params_text
from tasks.runtime.params import flatten
from tests.imports import imported, modules, named_in_strings

ROOT = Path(__file__).parents[2]
PACKAGES = ("tasks", "models", "lineage", "flows", "breathline", "cli")
RECIPES = recipe_layers.names(ROOT / "recipes")
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def imported_by(stage: str) -> set[Path]:
    """Return the paths of the modules that a stage imports, directly or not, with the stage's own.

    A registry that discovers the modules of its package imports all of them. The catalogue of artifacts is left out:
    dvc.yaml names the same paths, so that a stage reruns when one of its own changes.
    """
    seen: set[str] = set()
    waiting = [f"tasks.{stage.removesuffix('_external')}"]
    while waiting:
        if (module := waiting.pop()) in seen or module not in modules():
            continue
        seen.add(module)
        found = imported(module) | {*named_in_strings(module)}  # a registry may name modules in strings
        if "models.discovery" in found:
            package = module.rpartition(".")[0]
            found |= {name for name in modules() if name.rpartition(".")[0] == package}
        waiting.extend(found - {"tasks.artifacts"})
    paths = (modules()[module] for module in seen)
    return {path.relative_to(ROOT) for path in paths if path.name != "__init__.py"}


def definition(stage: str) -> dict:
    return STAGES[stage].get("do", STAGES[stage])


def test_the_names_of_the_stages():
    of_corpora = "download extract validate fbank"
    names = f"{of_corpora} pool weights train_teacher soft_labels train_student"
    external = [f"{name}_external" for name in of_corpora.split()]
    assert list(STAGES) == [*names.split(), *external, "external", "evaluate", "explain", "export", "report"]


@pytest.mark.parametrize("stage", STAGES)
def test_the_deps_of_a_stage_hold_the_modules_that_it_imports_and_each_at_least_one(stage):
    deps = [dep for dep in map(Path, definition(stage)["deps"]) if dep.parts[0] in PACKAGES]
    found = imported_by(stage)
    missing = {path for path in found if not any(path.is_relative_to(dep) for dep in deps)}
    assert not missing, f"dvc.yaml, {stage}: no dep holds {sorted(map(str, missing))}"
    superfluous = [dep for dep in deps if not any(path.is_relative_to(dep) for path in found)]
    assert not superfluous, f"dvc.yaml, {stage}: the stage imports nothing of {sorted(map(str, superfluous))}"


def test_packages_hold_a_docstring_and_nothing_else():
    """`breathline` has code: it is what programs import, and no stage depends on it."""
    of_stages = [package for package in PACKAGES if package != "breathline"]
    files = [path for package in of_stages for path in (ROOT / package).rglob("__init__.py")]
    assert len(files) >= len(of_stages)
    for path in files:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert len(body) == 1, f"{path}: stages would import code that is no dep"
        assert isinstance(body[0], ast.Expr), path


def test_only_the_stages_that_prepare_the_data_depend_on_the_corpora():
    using = {stage for stage in STAGES if any(dep.startswith("tasks/corpora") for dep in definition(stage)["deps"])}
    of_data = {"download", "extract", "validate"}
    assert using == of_data | {f"{name}_external" for name in of_data}, "a new adapter would retrain networks"


def test_stages_of_external_corpora_read_and_run_the_same_as_the_others():
    for name in ("download", "extract", "validate", "fbank"):
        own, external = definition(name), definition(f"{name}_external")
        code = [[dep for dep in one["deps"] if Path(dep).parts[0] in PACKAGES] for one in (own, external)]
        assert (code[0], own["cmd"]) == (code[1], external["cmd"])


# Half a second each. The quick ones differ in corpora, teachers, networks, front ends and choice of validation.
QUICK = ["demo", "best", "joint_heads", "kd_ensemble_clap", "mn_kd_oof", "patchmix_cl", "sam_ast"]
CONFIGURED = [*((name, False) for name in QUICK), ("demo", True)]
OTHERS = [(name, small) for small in (False, True) for name in RECIPES if (name, small) not in CONFIGURED]


@pytest.fixture(
    scope="module", params=[*CONFIGURED, *(pytest.param(one, marks=pytest.mark.long) for one in OTHERS)], ids=str
)
def configured(request, tmp_path_factory) -> tuple[Path, dict]:
    """Return a folder with the graph under one recipe or its miniature, and its parameters."""
    folder = tmp_path_factory.mktemp("configured")
    shutil.copy(ROOT / "dvc.yaml", folder)
    name, small = request.param
    overrides = recipe_layers.resolve(name, small=small, folder=ROOT / "recipes")
    text, _ = params_text.apply((ROOT / "params.yaml").read_text(encoding="utf-8"), overrides)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    Repo.init(str(folder), no_scm=True).close()
    return folder, YAML(typ="safe").load(text)


def test_every_parameter_is_used_by_a_stage_and_the_reverse(configured):
    folder, params = configured
    with Repo(str(folder)) as repo:
        used = {key for stage in repo.index.stages for dep in stage.params for key in dep.params}
        declared = {stage.name.split("@")[0] for stage in repo.index.stages}
    teaching = set() if params["teachers"] else {"train_teacher"}
    tested = set() if params["external"] else {name for name in STAGES if name.endswith("_external")}
    assert declared == set(STAGES) - teaching - tested
    leaves = flatten(params)
    unused = {leaf for leaf in leaves if not any(f"{leaf}.".startswith(f"{key}.") for key in used)}
    assert not {leaf for leaf in unused if not (teaching and leaf.startswith("teacher_training."))}
    assert not {key for key in used if not any(f"{leaf}.".startswith(f"{key}.") for leaf in leaves)}


def test_every_item_that_a_recipe_names_is_there(configured):
    _, params = configured
    for who, settings in [*params["teachers"].items(), ("student", params["student"])]:
        assert settings["frontend"] in params["frontends"], who
        assert settings["weights"] in params["weights"], who
    folds = {str(teacher.get("fold")) for teacher in params["teachers"].values()}
    if params["teachers"]:
        assert 1 <= params["soft_labels"]["k"] <= len(params["teachers"]) / len(folds)
    else:
        assert params["student"]["objective"]["name"] != "soft_labels"
