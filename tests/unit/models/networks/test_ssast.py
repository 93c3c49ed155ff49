"""SSAST: patches, pooling, checkpoints of the authors, and Patch-Mix."""

import pytest
import torch
from torch import Tensor

from models.networks.base import NetworkSpec
from models.networks.ssast import SSAST, SSASTOptions
from models.training.objectives import CrossEntropy, Targets
from models.training.patchmix import PatchMix
from tests.unit.models.networks.test_ast_weights import authors_file

WIDTH = 192


def tiny(frames: int = 160, **options: object) -> SSAST:
    torch.manual_seed(0)
    return SSAST(SSASTOptions(size="tiny", depth=2, **options), NetworkSpec(frames=frames, mels=128, classes=4)).eval()


def checkpoint(kind: str) -> dict[str, Tensor]:
    """Return a checkpoint as the authors' pretraining writes it: 128 mels by 1024 frames, without overlap."""
    mels, frames = {"patch": (16, 16), "frame": (128, 2)}[kind]
    state = authors_file(positions=(128 // mels) * (1024 // frames))
    state = {name: tensor for name, tensor in state.items() if "mlp_head" not in name}
    for head in ("cpredlayer", "gpredlayer"):
        state[f"module.{head}.0.weight"] = torch.zeros(WIDTH, WIDTH)
        state[f"module.{head}.2.weight"] = torch.zeros(256, WIDTH)
    return state | {
        "module.v.patch_embed.proj.weight": torch.randn(WIDTH, 1, mels, frames),
        "module.mask_embed": torch.zeros(1, 1, WIDTH),
        "module.p_input_fdim": torch.tensor(128),
        "module.p_input_tdim": torch.tensor(1024),
    }


@pytest.mark.parametrize(
    ("kind", "stride", "grid"),
    [
        ("patch", None, (8, 49)),
        ("patch", 10, (12, 79)),
        ("patch", [16, 10], (8, 79)),
        ("frame", None, (1, 399)),
        ("frame", [128, 1], (1, 797)),
    ],
)
def test_grid_of_both_kinds(kind, stride, grid):
    network = tiny(798, kind=kind, stride=stride)
    assert network.grid == grid
    network.load_pretrained(checkpoint(kind), source="test")
    assert network(torch.randn(1, 798, 128)).shape == (1, 4)


def test_pooling_averages_patch_tokens_or_class_tokens():
    features = torch.randn(2, 160, 128)
    average, classes = tiny(task="ft_avgtok"), tiny(task="ft_cls")
    tokens = average.vit.forward_features(features.transpose(1, 2).unsqueeze(1))
    torch.testing.assert_close(average.embed(features), tokens[:, 2:].mean(1))
    torch.testing.assert_close(classes.embed(features), tokens[:, :2].mean(1))


@pytest.mark.parametrize("kind", ["patch", "frame"])
def test_a_checkpoint_loads_unchanged_at_its_own_length_and_is_cut_at_others(kind):
    state = checkpoint(kind)
    published, rows = state["module.v.pos_embed"], {"patch": 8, "frame": 1}[kind]
    whole = tiny(1024, kind=kind)
    whole.load_pretrained(state, source="test")
    for name, tensor in whole.vit.state_dict().items():
        assert torch.equal(tensor, state[f"module.v.{name}"]), name
    shorter = tiny(798, kind=kind)
    shorter.load_pretrained(state, source="test")
    grid = published[0, 2:].reshape(rows, -1, WIDTH)
    start, columns = grid.shape[1] // 2 - shorter.grid[1] // 2, shorter.grid[1]
    expected = grid[:, start : start + columns].reshape(-1, WIDTH)
    assert torch.equal(shorter.vit.pos_embed[0, 2:], expected)


def test_patch_mix_trains_it():
    network = tiny(kind="patch", stride=10).train()
    objective = PatchMix(CrossEntropy(), beta=1.0, domain="time")
    [mix] = objective.draw(network, [4], torch.Generator().manual_seed(0))
    objective(network, torch.randn(4, 160, 128), Targets(labels=torch.arange(4), soft=None, mix=mix)).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_other_checkpoints_are_refused():
    with pytest.raises(ValueError, match=r"not SSAST's: they have no module\.p_input_fdim"):
        tiny().load_pretrained(authors_file(), source="test")
    with pytest.raises(ValueError, match=r"of another shape \(patch_embed\.proj\.weight"):
        tiny(kind="frame").load_pretrained(checkpoint("patch"), "x")


@pytest.mark.parametrize(("size", "millions"), [("tiny", 6), ("small", 23), ("base", 89)])
def test_parameters_are_the_published_ones_with_all_heads(size, millions):
    with torch.device("meta"):
        network = SSAST(SSASTOptions(size=size), NetworkSpec(frames=1024, mels=128, classes=4))
    width = network.num_features
    imagenet, pretraining = 2 * 1000 * (width + 1), 2 * (width * (width + 1) + 256 * (width + 1))
    count = sum(p.numel() for p in network.vit.parameters())
    assert round((count + imagenet + pretraining) / 1e6) == millions
    if size == "base":
        assert count == 85_649_664
