"""Model files against the record of their stage: a flipped bit, and folders without a record."""

import pytest

from lineage import files, model_files
from models.file_names import CARD, HISTORY
from tasks.artifacts import RECORDS, STUDENTS
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json

NAMES = (CARD, HISTORY, "val.safetensors", "paper.safetensors")


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a student of a project with the record of its stage."""
    folder = tmp_path / STUDENTS / "7"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_text(f"content of {name}\n")
    facts = {"command": "", "inputs": [], "params": {}, "modules": {}, "code": [], "environment": {}}
    made = files.describe(tmp_path, [str(STUDENTS / "7" / name) for name in NAMES[:2]])
    made += [{"path": f"{STUDENTS}/7/{name}", "sha256": files.sha256(folder / name)} for name in NAMES[2:]]
    facts |= {"git": {"commit": "0123456789abcdef", "dirty": True}}
    record = {"stage": "train_student@7", "outputs": [{"path": f"{STUDENTS}/7", "files": made}]}
    write_json(tmp_path / RECORDS / "train_student@7.json", facts | record)
    model_files.check(folder)
    return folder


@pytest.mark.parametrize("name", ["val.safetensors", "paper.safetensors", CARD])
def test_a_flipped_bit_is_refused_with_the_file_and_the_next_step(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[3] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BreathlineError, match=r"is not the one that train_student@7 made \(SHA-256 \w{12}…") as refused:
        model_files.check(folder)
    assert refused.value.where == folder / name
    assert f"`dvc checkout --force data/student/7/{name}` restores it" in str(refused.value.hint)


def test_the_record_tells_the_commit_of_a_model(folder, tmp_path):
    found = model_files.check(folder)
    assert (found.commit, found.dirty) == ("0123456789abcdef", True)
    assert found.record == files.sha256(tmp_path / RECORDS / "train_student@7.json")
    assert str(found) == f"commit 012345678 with uncommitted changes, record {found.record[:9]}"


@pytest.mark.parametrize("name", ["model.onnx", "other.safetensors"])
def test_a_network_that_the_stage_did_not_make_is_refused(folder, name):
    (folder / name).write_text("put there later\n")
    with pytest.raises(BreathlineError, match="The stage train_student@7 made no such network") as refused:
        model_files.check(folder)
    assert refused.value.where == folder / name
    assert "dvc repro --force train_student@7" in str(refused.value.hint)


def test_a_folder_without_a_record_is_not_checked(folder, tmp_path):
    (folder / HISTORY).write_text("edited, and no prediction reads it\n")
    model_files.check(folder)
    (tmp_path / RECORDS / "train_student@7.json").unlink()
    (folder / "val.safetensors").write_text("other\n")
    assert model_files.check(folder) is None
    assert model_files.check(folder.rename(tmp_path / "elsewhere")) is None
