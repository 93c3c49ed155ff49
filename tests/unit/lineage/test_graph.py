"""Agreement of the graph reader with DVC's own."""

import shutil
from pathlib import Path

import pytest
from dvc.dependency import ParamsDependency
from dvc.repo import Repo

from flows.recipes import layers, writing
from lineage import graph

ROOT = Path(__file__).parents[3]


QUICK = {"demo", "best", "kd_ensemble_clap", "patchmix_cl"}  # they differ in teachers, networks and front ends
RECIPES = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in layers.names(ROOT / "recipes")
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_stages_equal_those_that_dvc_reads(tmp_path, recipe):
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    writing.write(tmp_path, writing.edit(tmp_path, recipe))
    Repo.init(str(tmp_path), no_scm=True).close()
    found = graph.read(tmp_path)
    with Repo(str(tmp_path)) as repo:
        stages = {stage.name: stage for stage in repo.index.stages}
    assert found.keys() == stages.keys()
    for name, stage in stages.items():
        ours = found[name]
        assert ours.command == stage.cmd
        assert set(ours.deps) == {dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)}
        assert set(ours.params) == {
            key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in dep.params
        }
        assert set(ours.outs) == {out.def_path for out in stage.outs}
    assert found["evaluate"].code[0] == "tasks/evaluate.py"
    assert "data/student" in found["evaluate"].inputs
