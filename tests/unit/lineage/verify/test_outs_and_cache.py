"""Verification of outs, `dvc.lock` and objects of the cache."""

import shutil
from pathlib import Path

import pytest

from lineage.verify import verification
from tests.unit.lineage.verify.changes import AFTER_TEACHERS, edit_yaml


def copy_of(project: Path, path: str) -> Path:
    """Return the object of a file in the cache."""
    content = (project / path).read_bytes()
    return next(one for one in (project / ".dvc/cache/files/md5").glob("??/*") if one.read_bytes() == content)


@pytest.mark.slow
def test_a_missing_out_says_where_the_original_is(project):
    lost, kept, small_report = "data/teachers/t3", "data/soft_labels/soft_labels.parquet", "reports/plots/roc.csv"
    copy_of(project, f"{lost}/model.json").unlink()
    shutil.rmtree(project / lost)
    (project / kept).unlink()
    (project / small_report).unlink()
    told = {one.where: one.what for one in verification.verify(project).errors if one.kind == "out-missing"}
    assert "nothing here can bring back what train_teacher@t3 made" in told[lost]
    assert told[kept].endswith("DVC's cache has what soft_labels made")
    assert told[small_report].endswith("Git has what evaluate made")


@pytest.mark.slow
def test_an_object_missing_from_the_cache_is_noted_with_its_stage(project):
    copy_of(project, "data/teachers/t3/model.json").unlink()
    (found,) = verification.verify(project).findings
    assert (found.kind, found.severity, found.stages) == ("cache-missing", "note", ("train_teacher@t3",))
    assert found.downstream == AFTER_TEACHERS


@pytest.mark.slow
def test_an_object_of_a_former_stage_may_be_missing_but_not_broken(project):
    first, other = (copy_of(project, f"data/teachers/t3/{name}") for name in ("model.json", "val.safetensors"))
    edit_yaml(project / "params.yaml", lambda values: values["teachers"].pop("t3"))  # its outs stay
    other.unlink()
    kinds = {one.kind for one in verification.verify(project).findings}
    assert kinds.isdisjoint({"cache-changed", "cache-missing"})
    first.chmod(0o644)
    first.write_bytes(b"{}")
    (found,) = verification.verify(project).damage
    assert (found.kind, found.stages) == ("cache-changed", ("train_teacher@t3",))
    assert "data/teachers/t3/model.json" in found.what


@pytest.mark.slow
def test_a_shared_object_belongs_to_the_present_stage(project):
    def rename(lock):
        lock["stages"]["train_teacher@old"] = lock["stages"]["train_teacher@t3"]

    edit_yaml(project / "dvc.lock", rename)
    copy_of(project, "data/teachers/t3/model.json").unlink()
    assert "cache-missing" in {one.kind for one in verification.verify(project).notes}


@pytest.mark.slow
def test_an_out_without_record_is_compared_with_dvc_lock(project):
    shutil.rmtree(project / "data/lineage")
    assert {one.kind for one in verification.verify(project).errors} == {"record-missing"}
    (project / "data/teachers/t3/model.json").write_text("{}")
    (project / "reports/report.html").unlink()
    found = [one for one in verification.verify(project).errors if one.kind != "record-missing"]
    assert [(one.kind, one.where, one.stages) for one in found] == [
        ("out-changed", "data/teachers/t3", ("train_teacher@t3",)),
        ("out-missing", "reports/report.html", ("report",)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["deps", pytest.param("outs", marks=pytest.mark.long)])
def test_a_path_in_only_dvc_lock_or_only_the_record_is_an_error(project, kind):
    entry = {"path": "data/other", "hash": "md5", "md5": "0" * 32, "size": 1}
    edit_yaml(project / "dvc.lock", lambda lock: lock["stages"]["evaluate"][kind].append(entry))
    (found,) = verification.verify(project).errors
    assert (found.kind, found.stages) == ("lock-changed", ("evaluate",))
    assert found.what == f"the {kind} of evaluate are not those of its record: data/other"
    edit_yaml(project / "dvc.lock", lambda lock: lock["stages"]["evaluate"][kind].clear())
    assert {one.kind for one in verification.verify(project).errors} >= {"lock-changed"}
