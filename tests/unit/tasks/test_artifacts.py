"""The catalogue of artifacts against dvc.yaml, the schemas and a finished project."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from tasks import artifacts
from tasks.runtime import schemas

ROOT = Path(__file__).parents[3]


def outs(stage: str) -> set[Path]:
    """Return the outs of a stage in dvc.yaml, with ``*`` in the place of its items."""
    given = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"][stage]
    given = given.get("do", given)
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in given.get(kind, ())]
    paths = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    return {Path(re.sub(r"\$\{[a-z.]+\}", "*", path)) for path in paths}


@pytest.mark.parametrize("artifact", artifacts.CATALOGUE, ids=lambda artifact: str(artifact.pattern))
def test_each_artifact_lies_in_an_out_of_its_maker(artifact):
    assert any(
        artifact.pattern.is_relative_to(out) or (artifact.pattern.match("*.csv") and out.match(str(artifact.pattern)))
        for out in outs(artifact.stage)
    )


def test_each_out_holds_an_artifact_of_the_catalogue():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    for stage in stages:
        for out in outs(stage):
            known = (one for one in artifacts.CATALOGUE if one.stage == stage)
            assert out.parent == artifacts.RECORDS or any(
                one.pattern.is_relative_to(out) or out.match(str(one.pattern)) for one in known
            ), f"{stage} makes {out}"


@pytest.mark.parametrize(
    ("path", "title", "format_"),
    [
        ("data/fbank/ast/demo/features.npy", "array of features", "npy"),
        ("data/external/tested/x/fbank/ast/features.npy", "array of features", "npy"),
        ("data/student/1/val.safetensors", "weights of the student", "safetensors"),
        ("data/raw/icbhi/audio/101_1b1_Al_sc_Meditron.txt", "annotation", "txt"),
    ],
)
def test_a_file_is_found_by_its_path(path, title, format_):
    found = artifacts.find(path)
    assert (found.title, found.format) == (title, format_)


def test_tables_with_fixed_columns_name_their_schema():
    named = {artifact.schema for artifact in artifacts.CATALOGUE if artifact.schema}
    assert all(isinstance(getattr(schemas, name), pa.Schema) for name in named)
    assert artifacts.find("data/cycles/other.parquet") is None


@pytest.mark.parametrize(
    ("path", "restore", "stage"),
    [
        ("data/fbank/ast/a-b/features.npy", "dvc checkout --force data/fbank/ast/a-b/features.npy", "fbank@a-b-ast"),
        (
            "/data/external/raw/x/source.json",
            "dvc checkout --force data/external/raw/x/source.json",
            "download_external@x",
        ),
        ("/a/b/data/cycles/cycles.parquet", "dvc checkout --force data/cycles/cycles.parquet", "pool"),
        ("data/student/1/val.safetensors", "dvc checkout --force data/student/1/val.safetensors", "train_student@1"),
        ("/a/reports/metrics.json", "git checkout reports/metrics.json", "evaluate"),
        ("/a/data/lineage/fbank@ast.json", "dvc checkout --force data/lineage/fbank@ast.json", "fbank@ast"),
    ],
)
def test_the_next_step_restores_a_file_or_makes_it_again(path, restore, stage):
    assert artifacts.next_step(Path(path)) == f"`{restore}` restores it, `dvc repro {stage}` makes it again"
    assert artifacts.next_step(Path("elsewhere") / Path(path).name) is None


def test_the_artifacts_in_git_are_those_that_dvc_does_not_cache():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"].values()
    entries = [entry for stage in stages for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, ())]
    uncached = {
        Path(*entry) for entry in entries if isinstance(entry, dict) and next(iter(entry.values()))["cache"] is False
    }
    for artifact in artifacts.CATALOGUE:
        assert artifact.in_git == any(path.match(str(artifact.pattern)) for path in uncached), artifact.pattern
