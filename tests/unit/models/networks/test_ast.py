"""AST: grid, tokens, options and size."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.frontends.registry import find
from models.networks.ast import AST, ASTOptions
from models.networks.base import NetworkSpec

TINY = ASTOptions(size="tiny", depth=2)


def tiny(frames: int = 160, options: ASTOptions = TINY) -> AST:
    torch.manual_seed(0)
    return AST(options, NetworkSpec(frames=frames, mels=128, classes=4)).eval()


@pytest.mark.parametrize(
    ("frames", "stride", "grid"),
    [
        (798, 10, (12, 79)),
        (1024, 10, (12, 101)),
        (798, 16, (8, 49)),
        (400, 10, (12, 39)),
        (798, [16, 10], (8, 79)),
        (16, 10, (12, 1)),
    ],
)
def test_grid_is_mels_by_frames(frames, stride, grid):
    network = tiny(frames, ASTOptions(size="tiny", depth=1, stride=stride))
    assert network.grid == grid
    assert network.vit.pos_embed.shape[1] == grid[0] * grid[1] + 2
    assert network(torch.randn(1, frames, 128)).shape == (1, 4)


def test_tokens_follow_the_grid():
    network = tiny()
    rows, columns = network.grid
    features = torch.zeros(1, 160, 128)
    before = network.patches(features)
    features[0, 10 * 7 + 12 : 10 * 7 + 14, 10 * 3 + 12 : 10 * 3 + 14] = 1.0
    changed = (network.patches(features) - before).abs().sum(-1)[0].reshape(rows, columns) > 0
    assert changed.nonzero().tolist() == [[3, 7], [3, 8], [4, 7], [4, 8]]


def test_the_embedding_is_the_mean_of_class_and_distillation_tokens():
    network, features = tiny(), torch.randn(2, 160, 128)
    tokens = network.vit.forward_features(features.transpose(1, 2).unsqueeze(1))
    torch.testing.assert_close(network.embed(features), (tokens[:, 0] + tokens[:, 1]) / 2)
    mean = tiny(options=ASTOptions(size="tiny", depth=2, pool="mean"))
    torch.testing.assert_close(mean.embed(features), tokens.mean(1))


def test_padding_is_the_normalised_log_energy_of_zero():
    network, padded = tiny(), tiny(100, ASTOptions(size="tiny", depth=2, pad_frames=160))
    features, scale = torch.randn(2, 100, 128), find("ast").scale
    rest = torch.full((2, 60, 128), scale.values(torch.ones(())).item())
    assert rest.mean().item() == pytest.approx(0.467, abs=1e-3)
    assert padded.grid == (12, 15)
    torch.testing.assert_close(padded(features), network(torch.cat([features, rest], dim=1)))


def test_without_its_norm_the_head_is_a_linear_layer_of_the_embedding():
    embedding = torch.randn(3, 192)
    normed, bare = (tiny(options=ASTOptions(size="tiny", depth=1, head_norm=norm)) for norm in (True, False))
    for network, scaled_alike in ((normed, True), (bare, False)):
        once, twice = (network.head(scale * embedding) - network.head[2].bias for scale in (1.0, 2.0))
        torch.testing.assert_close(twice, once if scaled_alike else 2 * once, rtol=1e-3, atol=1e-4)


def test_dropout_is_only_before_the_linear_layer():
    network, features = tiny(options=ASTOptions(size="tiny", depth=2, dropout=0.3)).train(), torch.randn(2, 160, 128)
    assert torch.equal(network.embed(features), network.embed(features))
    assert not torch.equal(network(features), network(features))


@pytest.mark.parametrize("pos_embed", ["correct", "reference"])
def test_reference_positions_keep_frequency_and_lose_time(pos_embed):
    network = tiny(798, ASTOptions(size="tiny", depth=1, pos_embed=pos_embed))
    published = tiny(1024, ASTOptions(size="tiny", depth=1)).vit.state_dict()
    places = np.indices((12, 101)).reshape(2, -1)  # the row and the column of every published position
    published["pos_embed"][0, 2:, :2] = torch.from_numpy(places.T).float()
    network.load_pretrained(published, source="test")
    assigned = network.vit.pos_embed[0, 2:, :2].detach().numpy().T
    own = np.indices((12, 79)).reshape(2, -1)
    frequency, time = (np.corrcoef(own[axis], assigned[axis])[0, 1] for axis in (0, 1))
    assert frequency == pytest.approx(1.0, abs=1e-6 if pos_embed == "correct" else 0.005)
    assert time == pytest.approx(1.0 if pos_embed == "correct" else 0.0, abs=0.005)


def test_attention_is_torchs_fused_one(monkeypatch):
    shapes, fused = [], F.scaled_dot_product_attention

    def watched(query: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        shapes.append(tuple(query.shape))
        return fused(query, *args, **kwargs)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    tiny()(torch.randn(2, 160, 128))
    assert shapes == [(2, 3, 12 * 15 + 2, 64)] * 2


# By hand: 12 blocks, the patches' projection, norms, class and distillation tokens, and a position for each token.
# Published for base: 86.2 million at AudioSet's 1024 frames. With the two heads for ImageNet that the authors' files
# still carry it is 87,725,264 (the "87.7 M" of the tables); DeiT itself has 87,338,192 at 224 × 224 and 87,630,032 at
# 384 × 384.
@pytest.mark.parametrize(
    ("size", "frames", "stride", "distilled", "parameters"),
    [
        ("base", 1024, 10, True, 86_187_264),
        ("base", 798, 10, True, 85_984_512),
        ("base", 798, 10, False, 85_982_976),
        ("base", 798, 16, True, 85_557_504),
        ("small", 1024, 10, True, 21_859_968),
        ("tiny", 1024, 10, True, 5_621_568),
    ],
)
def test_parameters(size, frames, stride, distilled, parameters):
    with torch.device("meta"):
        options = ASTOptions(size=size, stride=stride, distilled=distilled)
        network = AST(options, NetworkSpec(frames=frames, mels=128, classes=527))
    width = network.num_features
    assert sum(p.numel() for p in network.vit.parameters()) == parameters
    assert sum(p.numel() for p in network.head.parameters()) == 2 * width + 527 * (width + 1)
