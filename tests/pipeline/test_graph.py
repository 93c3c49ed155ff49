"""dvc.yaml against the truth: what the stages import, and what params.yaml holds."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from flows.recipes import layers as recipe_layers
from flows.recipes import params_text
from tasks.runtime.params import flatten

ROOT = Path(__file__).parents[2]
PACKAGES = ("tasks", "models", "cli", "flows")
RECIPES = recipe_layers.names(ROOT / "recipes")
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def modules_named_by(module: Path) -> set[Path]:
    """Return the project's own modules that a module imports, also inside its functions.

    A registry that discovers the modules of its package counts as importing them all.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports are not followed by this test"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(str(node.module))
    if "models.discovery.assigned" in names:
        siblings = {path.stem for path in (ROOT / module).parent.glob("*.py")} - {"__init__"}
        names.update(".".join((*module.parent.parts, name)) for name in siblings)
    found = (Path(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] in PACKAGES)
    return {path for path in found if (ROOT / path).is_file()}


def imported_by(module: Path) -> set[Path]:
    """Return a module and all of the project's own modules that it imports, directly or not."""
    seen: set[Path] = set()
    waiting = [module]
    while waiting:
        if (current := waiting.pop()) not in seen:
            seen.add(current)
            # dvc.yaml names the same paths as the catalogue: a stage reruns when one of its own changes.
            waiting.extend(modules_named_by(current) - {Path("tasks/artifacts.py")})
    return seen


def definition(stage: str) -> dict:
    return STAGES[stage].get("do", STAGES[stage])


def test_the_names_of_the_stages():
    assert list(STAGES) == [
        "download",
        "extract",
        "validate",
        "fbank",
        "weights",
        "train_teacher",
        "soft_labels",
        "train_student",
        "evaluate",
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_the_deps_of_a_stage_hold_the_modules_that_it_imports_and_each_at_least_one(stage):
    deps = [dep for dep in map(Path, definition(stage)["deps"]) if dep.parts[0] in PACKAGES]
    name = re.match(r"python -m cli\.stage (\w+)", definition(stage)["cmd"])[1]
    imported = imported_by(Path("tasks", f"{name}.py"))
    missing = {path for path in imported if not any(path.is_relative_to(dep) for dep in deps)}
    assert not missing, f"dvc.yaml, {stage}: no dep holds {sorted(map(str, missing))}"
    superfluous = [dep for dep in deps if not any(path.is_relative_to(dep) for path in imported)]
    assert not superfluous, f"dvc.yaml, {stage}: the stage imports nothing of {sorted(map(str, superfluous))}"


def test_packages_hold_a_docstring_and_nothing_else():
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    assert len(files) >= len(PACKAGES)
    for path in files:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert len(body) == 1, f"{path}: stages would import code that is no dep"
        assert isinstance(body[0], ast.Expr), path


def test_nothing_that_runs_a_stage_imports_an_orchestrator():
    forbidden = {"prefect", "dvc"}
    for path in [*(ROOT / "models").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert forbidden.isdisjoint(name.split(".")[0] for name in names), path


@pytest.fixture(params=[(name, small) for name in RECIPES for small in (False, True)], ids=str)
def configured(request, tmp_path) -> tuple[Path, dict]:
    """Return a folder with the graph under one recipe or its miniature, and its parameters."""
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    name, small = request.param
    overrides = recipe_layers.resolve(name, small=small, folder=ROOT / "recipes")
    text, _ = params_text.apply((ROOT / "params.yaml").read_text(encoding="utf-8"), overrides)
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    Repo.init(str(tmp_path), no_scm=True).close()
    return tmp_path, YAML(typ="safe").load(text)


def test_every_parameter_is_used_by_a_stage_and_the_reverse(configured):
    folder, params = configured
    with Repo(str(folder)) as repo:
        used = {key for stage in repo.index.stages for dep in stage.params for key in dep.params}
        declared = {stage.name.split("@")[0] for stage in repo.index.stages}
    teaching = set() if params["teachers"] else {"train_teacher"}
    assert declared == set(STAGES) - teaching
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
