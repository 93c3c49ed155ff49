"""Attention maps: recorded weights, rollout and gradient weighting with known results, and the place of patches."""

import pytest
import torch

from models.explanation.attention import (
    attention_rollout,
    gradient_attention,
    recorded,
    rollout,
    spread,
    weighted_by_gradient,
)
from models.networks.ast import AST, ASTOptions
from models.networks.base import NetworkSpec
from models.networks.ssast import SSAST, SSASTOptions
from tests.unit.models.explanation.banded import one_patch


def test_rollout_of_two_blocks_by_hand():
    first = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]])  # mean: [[.5, .5], [0, 1]]
    second = torch.tensor([[[[0.5, 0.5], [1.0, 0.0]]]])
    # (mean + I) / 2: [[.75, .25], [0, 1]], then [[.75, .25], [.5, .5]]
    expected = torch.tensor([[[0.5625, 0.4375], [0.375, 0.625]]])
    torch.testing.assert_close(rollout([first, second]), expected)


def test_gradient_weighting_of_two_blocks_by_hand():
    first, second = torch.tensor([[[[0.5, 0.5], [0.2, 0.8]]]]), torch.tensor([[[[0.4, 0.6], [1.0, 0.0]]]])
    up, down = torch.tensor([[[[2.0, -1.0], [0.0, 1.0]]]]), torch.tensor([[[[0.0, 1.0], [-1.0, 1.0]]]])
    # first: R = I + [[1, 0], [0, .8]]; second: R + [[0, .6], [0, 0]] R
    expected = torch.tensor([[[1.0, 1.08], [0.0, 0.8]]])
    torch.testing.assert_close(weighted_by_gradient([first, second], [up, down]), expected)


@pytest.mark.parametrize(("depth", "weight"), [(1, 0.5), (2, 0.75), (3, 0.875)])
def test_rollout_of_a_transformer_that_attends_to_one_patch(depth, weight):
    features = torch.randn(2, 48, 32)
    maps = attention_rollout(one_patch(seen=4, depth=depth), features, torch.zeros(2, dtype=torch.long))
    expected = torch.zeros(2, 48, 32)
    expected[:, 16:32, 16:32] = weight  # patch 4 of 2 rows of mel bins and 3 columns of frames
    torch.testing.assert_close(maps, expected)


def test_maps_are_read_where_the_embedding_is():
    features, targets = torch.randn(1, 48, 32), torch.zeros(1, dtype=torch.long)
    maps = attention_rollout(one_patch(seen=0, depth=1, pool="mean"), features, targets)
    # The mean of 7 output tokens: each has half of its weight on patch 0, and half on itself.
    assert maps[0, 0, 0].item() == pytest.approx(0.5 + 0.5 / 7)
    assert maps[0, 40, 20].item() == pytest.approx(0.5 / 7)


def test_recorded_weights_are_those_of_the_fused_attention():
    torch.manual_seed(0)
    network = AST(ASTOptions(size="tiny", depth=2, stride=16), NetworkSpec(frames=48, mels=32, classes=4)).eval()
    features = torch.randn(2, 48, 32)
    fused = [block.attn.fused_attn for block in network.vit.blocks]
    expected = network(features)
    with recorded(network) as weights:
        torch.testing.assert_close(network(features), expected)
    assert [tuple(block.shape) for block in weights] == [(2, 3, 8, 8)] * 2
    assert all(torch.allclose(block.sum(-1), torch.ones(())) for block in weights)
    assert [block.attn.fused_attn for block in network.vit.blocks] == fused
    with recorded(network) as again:
        pass
    network(features)
    assert again == []


def test_gradient_attention_depends_on_the_class():
    torch.manual_seed(0)
    network = SSAST(SSASTOptions(size="tiny", depth=2), NetworkSpec(frames=48, mels=32, classes=4)).eval()
    one, other = (gradient_attention(network, torch.ones(1, 48, 32), torch.tensor([target])) for target in (0, 1))
    assert one.shape == (1, 48, 32)
    assert one.min() >= 0
    assert one.max() > 0
    assert not torch.allclose(one, other)


def test_overlapping_patches_are_averaged_and_unseen_frames_are_zero():
    network = AST(ASTOptions(size="tiny", depth=1, stride=10), NetworkSpec(frames=50, mels=26, classes=2))
    assert network.grid == (2, 4)
    values = torch.arange(8.0)[None]
    maps = spread(values, network, frames=50, mels=26)
    assert maps.shape == (1, 50, 26)
    assert maps[0, 0, 0] == 0
    assert maps[0, 12, 0] == 0.5  # patches 0 and 1 of the lower row
    assert maps[0, 12, 12] == (0 + 1 + 4 + 5) / 4
    assert maps[0, 45, 25] == 7
    assert (maps[0, 46:] == 0).all()


def test_frames_of_the_padding_are_cut_off():
    options = ASTOptions(size="tiny", depth=1, stride=16, pad_frames=64)
    network = AST(options, NetworkSpec(frames=40, mels=32, classes=2)).eval()
    maps = attention_rollout(network, torch.randn(1, 40, 32), torch.zeros(1, dtype=torch.long))
    assert maps.shape == (1, 40, 32)
