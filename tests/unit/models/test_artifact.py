"""Trained networks on disk."""

import pytest
import torch

from models import artifact
from models.networks.base import Network
from models.networks.registry import create

CARD = {"architecture": "mn", "options": {"width": 0.1}, "frontend": "toy", "frames": 32, "mels": 32}
CARD |= {"labels": "lungsound_2", "classes": ["normal", "abnormal"]}


def network(seed: int) -> Network:
    torch.manual_seed(seed)
    return create("mn", frames=32, mels=32, classes=2, options={"width": 0.1}, weights=None)


def test_a_saved_network_is_loaded_unchanged(tmp_path):
    trained = network(1).to(memory_format=torch.channels_last)
    artifact.save(tmp_path, {"val": trained.state_dict()}, CARD)
    torch.manual_seed(2)
    loaded, card = artifact.load(tmp_path, "val")
    assert card == CARD
    assert not loaded.training
    features = torch.randn(2, 32, 32)
    assert torch.equal(loaded(features), trained.eval()(features))


def test_every_file_of_a_saved_network_can_be_read_by_other_users(tmp_path):
    artifact.save(tmp_path, {"val": network(1).state_dict()}, CARD)
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in tmp_path.iterdir())


def test_equal_tensors_give_equal_bytes_whatever_their_order_and_layout(tmp_path):
    state = network(1).state_dict()
    last = network(1).to(memory_format=torch.channels_last).state_dict()
    artifact.save(tmp_path / "a", {"val": state}, CARD)
    artifact.save(tmp_path / "b", {"val": dict(reversed(last.items()))}, CARD)
    for name in ("val.safetensors", "model.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_saving_removes_the_selections_of_the_previous_model(tmp_path):
    state = network(1).state_dict()
    artifact.save(tmp_path, {"val": state, "paper": state}, CARD)
    artifact.save(tmp_path, {"val": state}, CARD)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "val.safetensors"]
    with pytest.raises(ValueError, match="no model of the selection paper; it holds val"):
        artifact.load(tmp_path, "paper")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"model\.json: the file is missing"):
        artifact.load(tmp_path, "val")
