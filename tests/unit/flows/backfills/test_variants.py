from pathlib import Path

import pytest

from flows.backfills.variants import parse, prepare, variants
from flows.workspaces import cache_of
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tests import toy


@pytest.fixture
def project(tmp_path) -> Path:
    """Return a project with two commits, v1 and v2, and a working tree; src.txt differs between them."""
    folder = toy.make(tmp_path / "project")
    for tag in ("v1", "v2"):
        (folder / "src.txt").write_text(f"{tag}\n")
        toy.commit(folder, tag, tag=True)
    (folder / "src.txt").write_text("not committed\n")
    return folder


def test_values_are_read_as_yaml():
    expected = {"rho": [0.05, 0.1], "seeds": [[1, 2], [3]], "deep.kind": ["sam"]}
    assert parse(["rho=0.05,0.1", "seeds=[1,2],[3]", "deep.kind=sam"]) == expected
    for wrong in ("rho", "rho=", "=1"):
        with pytest.raises(BreathlineError, match="KEY=VALUE,VALUE"):
            parse([wrong])
    for wrong in ("rho=[1", "rho=!!bool x", "rho=2026-13-45", f"rho={'9' * 5000}"):
        with pytest.raises(BreathlineError, match="A value is not valid"):
            parse([wrong])


def test_every_revision_has_every_combination_of_values_in_a_folder_of_its_own(project):
    found = variants(project, ["v1", "v2", "v1"], {"rho": [0.1, 0.2], "teachers.a.seed": [7]})
    first = toy.call(project, "git", "rev-parse", "v1").strip()[:10]
    assert len(found) == len({variant.folder for variant in found}) == 4
    assert found[0].name == f"v1 ({first}), rho=0.1, teachers.a.seed=7"
    assert [variant.name.split()[0] for variant in found] == ["v1", "v1", "v2", "v2"]
    assert variants(project, ["v1", "v2"], {"rho": [0.1, 0.2], "teachers.a.seed": [7]}) == found
    (second,) = variants(project, ["v1..v2"], {})
    assert second.commit == toy.call(project, "git", "rev-parse", "v2").strip()


def test_a_workspace_has_the_code_of_its_commit_and_its_own_values(project):
    cache = cache_of(project)
    (old,) = variants(project, ["v1"], {})
    (new,) = variants(project, [], {"teachers.a.seed": [7]})
    folder = prepare(project, old, cache)
    assert (folder / "src.txt").read_text() == "v1\n"
    assert params.read(folder / "params.yaml")["teachers"]["a"]["seed"] == 1
    folder = prepare(project, new, cache)
    assert (folder / "src.txt").read_text() == "not committed\n"
    assert params.read(folder / "params.yaml")["teachers"] == {"a": {"seed": 7, "lr": 0.1}, "b": {"seed": 2, "lr": 0.1}}
    assert (project / "params.yaml").read_text() == toy.PARAMS


@pytest.mark.parametrize(
    ("revisions", "values", "message"),
    [
        ([], {}, "Neither a revision nor a parameter"),
        (["v3"], {}, "There is no revision `v3`"),
        (["v2..v1"], {}, "holds no commit"),
        ([], {"rho": []}, "has no value"),
    ],
)
def test_unknown_revisions_and_empty_values_are_refused(project, revisions, values, message):
    with pytest.raises(BreathlineError, match=message):
        variants(project, revisions, values)


def test_an_unknown_parameter_is_refused(project):
    (variant,) = variants(project, [], {"student.rho": [1]})
    with pytest.raises(BreathlineError, match=r"`student\.rho` is missing"):
        prepare(project, variant, cache_of(project))
