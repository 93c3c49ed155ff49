"""Conversion of published transformer weights to timm's names and to another grid of patches.

Three layouts are read: the authors' checkpoints of AST and SSAST (``module.v.…``), Hugging Face's
``MIT/ast-finetuned-audioset-10-10-0.4593`` (``audio_spectrogram_transformer.…``) and timm's DeiT and ViT.
"""

import math
import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import interpolate

HF = "audio_spectrogram_transformer."
_HF_NAMES = (
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.distillation_token$", "dist_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^layernorm\.", "norm."),
    (r"^encoder\.layer\.(\d+)\.layernorm_before\.", r"blocks.\1.norm1."),
    (r"^encoder\.layer\.(\d+)\.layernorm_after\.", r"blocks.\1.norm2."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.dense\.", r"blocks.\1.attn.proj."),
    (r"^encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.", r"blocks.\1.attn.\2."),
    (r"^encoder\.layer\.(\d+)\.intermediate\.dense\.", r"blocks.\1.mlp.fc1."),
    (r"^encoder\.layer\.(\d+)\.output\.dense\.", r"blocks.\1.mlp.fc2."),
)
AUDIOSET_STRIDES = (10, 12, 14, 16)  # strides of the checkpoints published by the authors of AST


def to_timm(
    state: Mapping[str, Tensor],
    *,
    depth: int,
    distilled: bool,
    old: Callable[[int], tuple[int, int]],
    grid: tuple[int, int],
) -> dict[str, Tensor]:
    """Return the backbone's tensors under timm's names, cut to ``depth`` blocks, positions fitted to ``grid``.

    A patch projection of three colours is summed to one channel. Without a distillation token, the published token and
    its position are dropped. Classification and pretraining heads are left out.

    Args:
        state: Published tensors by name.
        depth: Number of transformer blocks of the network.
        distilled: Whether the network has a distillation token.
        old: Function from a number of positions to their published grid of (mels, frames).
        grid: Grid of the network in patches (mels, frames).
    """
    kept = {
        name: tensor
        for name, tensor in _named(state).items()
        if not name.startswith("head") and not ((at := re.match(r"blocks\.(\d+)\.", name)) and int(at[1]) >= depth)
    }
    projection = kept["patch_embed.proj.weight"]
    if projection.shape[1] == 3:
        kept["patch_embed.proj.weight"] = projection.sum(1, keepdim=True)
    prefix_tokens = 2 if "dist_token" in kept else 1
    positions = kept["pos_embed"]
    prefix_positions, patch_positions = positions[:, :prefix_tokens], positions[:, prefix_tokens:]
    if not distilled:
        kept.pop("dist_token", None)
        prefix_positions = prefix_positions[:, :1]
    elif prefix_tokens == 1:
        kept["dist_token"] = kept["cls_token"].clone()
        prefix_positions = prefix_positions.expand(-1, 2, -1)
    fitted = fit_positions(patch_positions, old(patch_positions.shape[1]), grid)
    kept["pos_embed"] = torch.cat([prefix_positions, fitted], dim=1)
    return kept


def published_grid(tokens: int, rows: int) -> tuple[int, int]:
    """Return the grid of (mels, frames) of the positions of AST or of an image transformer.

    The grid is square (ImageNet), or that of the AST authors' checkpoints: 128 mels by 1024 frames in patches of
    16 × 16 at one of their strides (12 × 101 at stride 10). Otherwise it has ``rows`` patches along mels.

    Args:
        tokens: Number of positions of the published weights.
        rows: Number of patches along mels in the network.

    Raises:
        ValueError: The number of positions fits none of these grids.
    """
    side = math.isqrt(tokens)
    grids = [(side, side), *(((128 - 16) // stride + 1, (1024 - 16) // stride + 1) for stride in AUDIOSET_STRIDES)]
    for grid in (*grids, (rows, tokens // rows)):
        if math.prod(grid) == tokens:
            return grid
    raise ValueError(
        f"{tokens} positions are no square, no grid of AudioSet's, and do not divide into {rows} rows of frequency."
    )


def fit_positions(positions: Tensor, old: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Convert positional embeddings ``(1, rows · columns, width)`` from one grid of (mels, frames) to another.

    Along each axis a longer grid is cut about its centre and a shorter one is interpolated linearly, as in AST.

    Args:
        positions: Positional embeddings of the patches.
        old: Grid of the embeddings: number of patches along mels and along frames.
        grid: Grid of the network.
    """
    width = positions.shape[2]
    image = positions.reshape(1, *old, width).permute(0, 3, 1, 2)
    # Both halves are rounded, as in the authors' code: 24 positions are cut to 11 from the seventh on.
    starts = [max(0, have // 2 - want // 2) for have, want in zip(old, grid, strict=True)]
    image = image[:, :, starts[0] : starts[0] + grid[0], starts[1] : starts[1] + grid[1]]
    if tuple(image.shape[2:]) != grid:
        image = interpolate(image, size=grid, mode="bilinear", align_corners=False)
    return image.permute(0, 2, 3, 1).reshape(1, -1, width)


def _named(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of any known layout under timm's names."""
    if any(name.startswith(HF) for name in state):
        return _from_hugging_face(state)
    prefix = next((p for p in ("module.v.", "v.") if f"{p}cls_token" in state), "")
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _from_hugging_face(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return Hugging Face's tensors under timm's names; query, key and value are joined into one matrix."""
    named: dict[str, Tensor] = {}
    for full_name, tensor in state.items():
        if not full_name.startswith(HF):
            continue
        name = full_name.removeprefix(HF)
        for pattern, replacement in _HF_NAMES:
            name, hits = re.subn(pattern, replacement, name)
            if hits:
                break
        named[name] = tensor
    merged = {name: tensor for name, tensor in named.items() if not re.search(r"\.(query|key|value)\.", name)}
    for name in named:
        if ".attn.query." in name:
            parts = [named[name.replace("query", part)] for part in ("query", "key", "value")]
            merged[name.replace("query", "qkv")] = torch.cat(parts)
    return merged
