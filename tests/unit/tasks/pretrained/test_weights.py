"""Pretrained weights as artifacts, by name and SHA-256."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.pretrained.settings import WeightsSettings
from tasks.pretrained.weights import read_tensors, write_weights
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

URL = "https://localhost:1/never-asked.pt"


def test_scratch_has_no_tensors_but_a_source(tmp_path):
    write_weights("scratch", WeightsSettings(source="none"), tmp_path / "out", local=None, downloads=tmp_path / "d")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["source.json"]
    assert json.loads((tmp_path / "out" / "source.json").read_text())["parameters"] == 0


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_local_file_is_found_by_its_hash_whatever_its_name(tmp_path, suffix):
    local = tmp_path / "local" / "deep"
    local.mkdir(parents=True)
    file = local / f"another-name{suffix}"
    tensors = {"a.weight": torch.arange(6.0).reshape(2, 3)}
    if suffix == ".pt":
        torch.save({"state_dict": tensors, "epoch": 3}, file)
    else:
        save_file(tensors, file)
    (local / "decoy.pt").write_bytes(b"PK decoy")
    settings = WeightsSettings(source=URL, sha256=sha256(file), licence="MIT")
    write_weights("w", settings, tmp_path / "out", local=tmp_path / "local", downloads=tmp_path / "d")
    assert torch.equal(load_file(tmp_path / "out" / "model.safetensors")["a.weight"], tensors["a.weight"])
    source = json.loads((tmp_path / "out" / "source.json").read_text())
    assert source == {"licence": "MIT", "name": "w", "parameters": 6, "sha256": sha256(file), "source": URL}


def test_without_a_hash_that_of_the_file_that_came_is_recorded(tmp_path, caplog):
    file = tmp_path / "local" / "Cnn6_mAP=0.343.pth"
    file.parent.mkdir()
    torch.save({"model": {"a": torch.ones(2)}}, file)
    settings = WeightsSettings(source="https://localhost:1/files/Cnn6_mAP%3D0.343.pth?download=1")
    write_weights("w", settings, tmp_path / "out", local=tmp_path / "local", downloads=tmp_path / "d")
    assert json.loads((tmp_path / "out" / "source.json").read_text())["sha256"] == sha256(file)
    assert f"weights.w.sha256: {sha256(file)}" in caplog.text


def test_checkpoints_may_hold_arrays_beside_their_tensors_and_have_any_name(tmp_path):
    file = tmp_path / "weights.pth?download=1"
    beside = {"sampler": {"indexes": np.arange(5), "one": np.float64(2.0)}, "iteration": 3}
    torch.save({"model": {"a": torch.ones(2)}} | beside, file, _use_new_zipfile_serialization=False)
    assert list(read_tensors(file)) == ["a"]


def test_a_pickle_with_code_is_never_run(tmp_path):
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path(tmp_path / "ran").write_text, ("x",))

    torch.save({"a": Bomb()}, tmp_path / "bomb.pt")
    with pytest.raises(BreathlineError, match="cannot be read"):
        read_tensors(tmp_path / "bomb.pt")
    assert not (tmp_path / "ran").exists()


def test_a_page_in_place_of_weights_is_not_kept(tmp_path, server):
    """Of an earlier version it may still be there: then the file is fetched again."""
    good = tmp_path / "good.pt"
    torch.save({"a": torch.ones(2)}, good)
    server.files["w.pt"] = b"<!DOCTYPE html><html>We are back soon.</html>"
    settings, downloads = WeightsSettings(source=server.url("w.pt")), tmp_path / "d"
    with pytest.raises(BreathlineError, match=r"a page of HTML or XML.*Received: 45 bytes of the type unknown"):
        write_weights("w", settings, tmp_path / "out", local=None, downloads=downloads)
    assert list(downloads.iterdir()) == []

    kept = downloads / f"{hashlib.sha256(server.url('w.pt').encode()).hexdigest()[:16]}-w.pt"
    kept.write_bytes(server.files["w.pt"])
    server.files["w.pt"] = good.read_bytes()
    write_weights("w", settings, tmp_path / "out", local=None, downloads=downloads)
    assert kept.read_bytes() == good.read_bytes()
