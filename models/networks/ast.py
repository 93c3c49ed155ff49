"""Audio Spectrogram Transformer (Gong et al., INTERSPEECH 2021) on timm's vision transformer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from timm.layers.helpers import to_2tuple
from timm.layers.patch_embed import PatchEmbed
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from models.networks.ast_weights import to_timm
from models.networks.base import Network, load_tensors

SIZES = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}


@dataclass(frozen=True, kw_only=True)
class ASTOptions:
    """Size and shape of an AST.

    Attributes:
        size: Width and heads of DeiT: tiny (192, 3), small (384, 6), base (768, 12).
        depth: Number of transformer blocks; 12 as published.
        stride: Hop of the 16 × 16 patches in mels and in frames; 10 as published, 16 without overlap.
        distilled: Whether there is a distillation token beside the class token.
        pool: ``token``: mean of the class and distillation tokens, as published; ``mean``: over all tokens.
        dropout: Before the last linear layer.
    """

    size: Literal["tiny", "small", "base"] = "base"
    depth: int = 12
    stride: int = 10
    distilled: bool = True
    pool: Literal["token", "mean"] = "token"
    dropout: float = 0.0


class OverlappingPatchEmbed(PatchEmbed):
    """timm's patch embedding with a stride of its own, so that patches may overlap."""

    def __init__(self, *, stride: int, **kwargs: Any) -> None:
        self._stride = to_2tuple(stride)
        super().__init__(**kwargs)
        self.proj.stride = self._stride

    def _init_img_size(self, img_size: int | tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int], int]:
        height, width = to_2tuple(img_size)
        rows, columns = (
            (length - patch) // stride + 1
            for length, patch, stride in zip((height, width), self.patch_size, self._stride, strict=True)
        )
        return (height, width), (rows, columns), rows * columns


class AST(Network):
    """AST: patches of the spectrogram, frequency-major, through a vision transformer.

    The grid of positions is (mels, frames), as the tokens are laid out: for 128 mels, 798 frames and stride 10 it is
    12 × 79. The published Patch-Mix code swaps the two, which scrambles its time positions; this one does not.

    Attributes:
        grid: Patches along mels and along frames.
    """

    def __init__(self, options: ASTOptions, *, frames: int, mels: int, classes: int) -> None:
        super().__init__()
        width, heads = SIZES[options.size]
        kind = VisionTransformerDistilled if options.distilled else VisionTransformer
        self.vit = kind(
            img_size=(mels, frames),
            patch_size=16,
            in_chans=1,
            num_classes=0,
            embed_dim=width,
            depth=options.depth,
            num_heads=heads,
            embed_layer=partial(OverlappingPatchEmbed, stride=options.stride),
        )
        self.grid: tuple[int, int] = self.vit.patch_embed.grid_size
        self.num_features = width
        self.pool = options.pool
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Dropout(options.dropout), nn.Linear(width, classes))

    def patches(self, features: Tensor) -> Tensor:
        """Return the patch embeddings ``(batch, rows · columns, num_features)``, without positions, frequency-major."""
        embedded: Tensor = self.vit.patch_embed(features.transpose(1, 2).unsqueeze(1))
        return embedded

    def encode(self, patches: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of patch embeddings."""
        vit = self.vit
        tokens: Tensor = vit.norm(vit.blocks(vit.norm_pre(vit._pos_embed(patches))))
        return tokens[:, : vit.num_prefix_tokens].mean(1) if self.pool == "token" else tokens.mean(1)

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of features ``(batch, frames, mels)``."""
        return self.encode(self.patches(features))

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Start from published weights: the AST authors', Hugging Face's or timm's DeiT layout; the head stays new."""
        adapted = to_timm(state, depth=len(self.vit.blocks), distilled=self.vit.num_prefix_tokens == 2, grid=self.grid)
        load_tensors(self.vit, adapted, may_miss=("head",), source=source)
