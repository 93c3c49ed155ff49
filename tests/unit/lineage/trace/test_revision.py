"""Traces of Git revisions."""

import json
import shutil

import pytest

from cli.audit.trace import answer
from lineage.dvc_storage import cache_of
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.unit.lineage import small


@pytest.fixture(scope="module")
def versioned(small_run, tmp_path_factory):
    """Return a project with version v1.0.0 of the student, and a later run with other teachers."""
    root = shutil.copytree(small_run, tmp_path_factory.mktemp("versioned") / "project")
    toy.call(root, "git", "tag", "student@v1.0.0")
    edited = (root / "params.yaml").read_text().replace("seed: 11", "seed: 21")
    (root / "params.yaml").write_text(edited)
    small.run(root)
    return root


def seeds(trace):
    return {node.name: node.facts["seed"] for node in trace.nodes_of("weights")}


@pytest.mark.slow
@pytest.mark.parametrize("what", ["student@v1.0.0", "student@v1.0.0:data/student/1", "HEAD:score"])
def test_a_revision_is_traced_with_its_own_outs(versioned, what):
    before = toy.call(versioned, "git", "status", "--porcelain")
    trace = answer(versioned, what)
    assert seeds(trace)["teacher/t1/val"] == 11
    assert seeds(answer(versioned, "score"))["teacher/t1/val"] == 21
    assert trace.question == what
    commit = toy.call(versioned, "git", "rev-parse", "HEAD")[:12]
    assert trace.notes == (f"as of {what.partition(':')[0]}, commit {commit}",)
    # The run was made before it was committed: its records name the commit before.
    assert trace.nodes_of("code")[0].facts["commit"] == toy.call(versioned, "git", "rev-parse", "HEAD^").strip()
    assert trace.nodes_of("stage")[0].facts["run"]["user"] == "anna"
    assert toy.call(versioned, "git", "status", "--porcelain") == before


def test_a_row_of_a_revision_leads_to_bytes(versioned):
    trace = answer(versioned, "HEAD:105_1b1_Tc_sc_Meditron_001")
    assert trace.nodes["samples:105_1b1_Tc_sc_Meditron_001"].facts["bytes"] == [44 + 16_000, 44 + 31_200]
    assert trace.nodes["recording:105_1b1_Tc_sc_Meditron"].facts["cycles"] == {"test": 2}
    assert answer(versioned, "HEAD:patient:102").direction == "forward"


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("student@v9.9.9", "did you mean student@v1.0.0"),
        ("nothing:score", "There is no revision `nothing`"),
        ("HEAD^:score", "HEAD^ has no dvc.lock"),
        ("--help:score", "There is no revision `--help`"),
    ],
)
def test_an_unknown_revision_is_an_error(versioned, what, told):
    with pytest.raises(BreathlineError) as error:
        answer(versioned, what)
    assert told in str(error.value)


def test_records_missing_from_the_cache_are_an_error(versioned, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(versioned, root, symlinks=True)
    shutil.rmtree(cache_of(root).objects)
    with pytest.raises(BreathlineError, match=r"18 records of HEAD are not in DVC's cache"):
        answer(root, "HEAD:score")


def test_the_json_of_a_revision_has_no_temporary_path(versioned):
    assert "breathline-" not in json.dumps(answer(versioned, "HEAD:score").as_json())
