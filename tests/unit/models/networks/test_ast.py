"""AST: its grid, its layouts of published weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.networks.ast import AST, ASTOptions
from models.networks.ast_weights import fit_positions

TINY = ASTOptions(size="tiny", depth=2)


def tiny(frames: int = 160, options: ASTOptions = TINY) -> AST:
    torch.manual_seed(0)
    return AST(options, frames=frames, mels=128, classes=4).eval()


@pytest.mark.parametrize(
    ("frames", "stride", "grid"), [(798, 10, (12, 79)), (1024, 10, (12, 101)), (798, 16, (8, 49)), (400, 10, (12, 39))]
)
def test_grid_is_mels_by_frames(frames: int, stride: int, grid: tuple[int, int]) -> None:
    network = tiny(frames, ASTOptions(size="tiny", depth=1, stride=stride))
    assert network.grid == grid
    assert network.vit.pos_embed.shape[1] == grid[0] * grid[1] + 2


def test_tokens_are_laid_out_as_the_grid() -> None:
    network = tiny()
    rows, columns = network.grid
    features = torch.zeros(1, 160, 128)
    before = network.patches(features)
    features[0, 10 * 7 + 12 : 10 * 7 + 14, 10 * 3 + 12 : 10 * 3 + 14] = 1.0
    changed = (network.patches(features) - before).abs().sum(-1)[0].reshape(rows, columns) > 0
    assert changed.nonzero().tolist() == [[3, 7], [3, 8], [4, 7], [4, 8]]


def test_the_embedding_is_the_mean_of_class_and_distillation_tokens() -> None:
    network, features = tiny(), torch.randn(2, 160, 128)
    tokens = network.vit.forward_features(features.transpose(1, 2).unsqueeze(1))
    torch.testing.assert_close(network.embed(features), (tokens[:, 0] + tokens[:, 1]) / 2)
    mean = tiny(options=ASTOptions(size="tiny", depth=2, pool="mean"))
    torch.testing.assert_close(mean.embed(features), tokens.mean(1))


def authors_layout(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"module.v.{name}": tensor for name, tensor in state.items()} | {
        "module.mlp_head.0.weight": torch.zeros(192)
    }


def hugging_face_layout(state: dict[str, Tensor]) -> dict[str, Tensor]:
    names = {
        "cls_token": "embeddings.cls_token",
        "dist_token": "embeddings.distillation_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "attn.proj": "attention.output.dense",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }
    out: dict[str, Tensor] = {"classifier.dense.weight": torch.zeros(527, 192)}
    for own, tensor in state.items():
        name = own.replace("blocks.", "encoder.layer.")
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        name = name if "encoder" in name or "embeddings" in name else name.replace("norm.", "layernorm.")
        if "attn.qkv" in name:
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                out["audio_spectrogram_transformer." + name.replace("attn.qkv", f"attention.attention.{part}")] = piece
        else:
            out["audio_spectrogram_transformer." + name] = tensor
    return out


@pytest.mark.parametrize("layout", [authors_layout, hugging_face_layout, dict])
def test_every_published_layout_gives_the_same_network(layout: object) -> None:
    source = tiny()
    target = AST(TINY, frames=160, mels=128, classes=4).eval()
    target.load_pretrained(layout(source.vit.state_dict()), source="test")  # type: ignore[operator]
    features = torch.randn(2, 160, 128)
    torch.testing.assert_close(target.embed(features), source.embed(features))


def test_weights_of_another_width_are_refused_by_name() -> None:
    state = tiny().vit.state_dict()
    wider = AST(ASTOptions(size="small", depth=2), frames=160, mels=128, classes=4)
    with pytest.raises(ValueError, match=r"data/weights/x do not fit .*blocks\.0"):
        wider.load_pretrained(state, source="data/weights/x")


def test_positions_are_cut_about_the_centre_and_interpolated() -> None:
    audioset = torch.arange(12 * 101.0).reshape(1, 12 * 101, 1)
    cut = fit_positions(audioset, (12, 79)).reshape(12, 79)
    assert torch.equal(cut, audioset.reshape(12, 101)[:, 11:90])
    imagenet = torch.arange(24 * 24.0).reshape(1, 24 * 24, 1)
    longer = fit_positions(imagenet, (12, 79)).reshape(12, 79)
    assert longer[0, 0] == imagenet.reshape(24, 24)[6, 0]
    assert (longer.diff(dim=1) >= 0).all()
    with pytest.raises(ValueError, match="1213 positions"):
        fit_positions(torch.zeros(1, 1213, 1), (12, 79))
