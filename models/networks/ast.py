"""Audio Spectrogram Transformer (Gong et al., INTERSPEECH 2021) on timm's vision transformer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from annotated_types import Interval
from timm.layers.helpers import to_2tuple
from timm.layers.patch_embed import PatchEmbed
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.architecture import Architecture, Variant, audioset, imagenet
from models.networks.ast_weights import published_grid, to_timm
from models.networks.base import NetworkSpec, PatchNetwork, load_tensors
from models.networks.options import Depth, NetworkOptions, Rate, Stride

SIZES = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}
SILENCE = 4.2677393 / (2 * 4.5689974)  # 0.467: a log mel energy of 0, normalised by the front end `ast`


def strides(stride: int | Sequence[int]) -> tuple[int, int]:
    """Return the hop of the patches in mels and in frames.

    Raises:
        ValueError: The stride is not one or two whole numbers from 1.
    """
    both = (stride, stride) if isinstance(stride, int) else tuple(stride)
    if len(both) != 2 or min(both) < 1:
        raise ValueError(
            f"The option stride is {stride}; it is one whole number from 1, or one in mels, one in frames."
        )
    return both


@dataclass(frozen=True, kw_only=True)
class ASTOptions(NetworkOptions):
    """Size and shape of an AST.

    Attributes:
        size: Width and heads of DeiT: tiny (192, 3), small (384, 6), base (768, 12).
        depth: Number of transformer blocks; 12 as published.
        stride: Hop of the 16 × 16 patches, in mels and in frames or one number for both; 10 as published, 16 without
            overlap.
        distilled: Whether there is a distillation token beside the class token.
        pool: ``token``: mean of the class and distillation tokens, as published; ``mean``: mean of all tokens.
        head_norm: Whether a LayerNorm precedes the last linear layer, as in AST; work (c) has none.
        dropout: Dropout rate before the last linear layer.
        pos_embed: Layout of published positional embeddings: ``correct``, or ``reference``, as in the code of
            Patch-Mix, which swaps frequency and time. It makes no difference to a random start.
        pad_frames: Number of frames to which features of the front end ``ast`` are padded, with log mel energies of 0;
            1024 in Hugging Face's feature extractor, null: no padding.
    """

    size: Literal["tiny", "small", "base"] = "base"
    depth: Depth = 12
    stride: Stride = 10
    distilled: bool = True
    pool: Literal["token", "mean"] = "token"
    head_norm: bool = True
    dropout: Rate = 0.0
    pos_embed: Literal["correct", "reference"] = "correct"
    pad_frames: Annotated[int, Interval(ge=1, le=100_000)] | None = None


class OverlappingPatchEmbed(PatchEmbed):
    """timm's patch embedding with patches of any shape and a stride of their own, so that they may overlap."""

    def __init__(self, *, stride: tuple[int, int], patch_size: tuple[int, int], **kwargs: Any) -> None:
        self._stride, self._patch = stride, patch_size
        # timm takes rectangular patches; only its annotations say that patches are square.
        super().__init__(patch_size=patch_size, **kwargs)  # type: ignore[arg-type]
        self.proj.stride = stride

    def _init_img_size(self, img_size: int | tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int], int]:
        height, width = to_2tuple(img_size)
        if height < self._patch[0] or width < self._patch[1]:
            mels, frames = self._patch
            raise ValueError(f"{height} mels by {width} frames are less than one patch of {mels} by {frames}.")
        rows, columns = (
            (length - patch) // stride + 1
            for length, patch, stride in zip((height, width), self._patch, self._stride, strict=True)
        )
        return (height, width), (rows, columns), rows * columns


class AST(PatchNetwork):
    """AST: patches of the spectrogram, frequency-major, through a vision transformer.

    The grid of positions is (mels, frames), as the tokens are laid out: for 128 mels, 798 frames and stride 10 it is
    12 × 79. Attention is torch's `scaled_dot_product_attention`.

    Raises:
        ValueError: The features are smaller than a patch, or longer than `pad_frames`.
    """

    def __init__(self, options: ASTOptions, spec: NetworkSpec, *, patch: tuple[int, int] = (16, 16)) -> None:
        super().__init__()
        width, heads = SIZES[options.size]
        padded = options.pad_frames or spec.frames
        if padded < spec.frames:
            raise ValueError(f"Features of {spec.frames} frames cannot be padded to pad_frames, {padded}.")
        kind = VisionTransformerDistilled if options.distilled else VisionTransformer
        self.vit = kind(
            img_size=(spec.mels, padded),
            patch_size=patch,
            in_chans=1,
            num_classes=0,
            embed_dim=width,
            depth=options.depth,
            num_heads=heads,
            embed_layer=partial(OverlappingPatchEmbed, stride=strides(options.stride)),
        )
        self.grid = self.vit.patch_embed.grid_size
        self.num_features = width
        self.options = options
        norm = nn.LayerNorm(width) if options.head_norm else nn.Identity()
        self.head = nn.Sequential(norm, nn.Dropout(options.dropout), nn.Linear(width, spec.classes))

    def patches(self, features: Tensor) -> Tensor:
        """Return the patch embeddings ``(batch, rows · columns, num_features)``, without positions, frequency-major."""
        if self.options.pad_frames is not None:
            features = F.pad(features, (0, 0, 0, self.options.pad_frames - features.shape[1]), value=SILENCE)
        embedded: Tensor = self.vit.patch_embed(features.transpose(1, 2).unsqueeze(1))
        return embedded

    def encode(self, patches: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of patch embeddings."""
        vit = self.vit
        return self.pool(vit.norm(vit.blocks(vit.norm_pre(vit._pos_embed(patches)))))

    def pool(self, tokens: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of output tokens, class and distillation tokens first."""
        return tokens[:, : self.vit.num_prefix_tokens].mean(1) if self.options.pool == "token" else tokens.mean(1)

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Load published weights in the layout of AST's authors, Hugging Face or timm's DeiT; the head is not loaded.

        With ``pos_embed: reference`` the positions are fitted to a grid of (frames, mels), 79 × 12. Its rows are then
        read as those of 12 × 79, which keeps the order along frequency, but repeats positions in time every 12 patches.
        """
        rows, columns = self.grid
        grid = (columns, rows) if self.options.pos_embed == "reference" else self.grid
        self._load(state, source, old=partial(published_grid, rows=rows), grid=grid)

    def _load(
        self, state: Mapping[str, Tensor], source: str, *, old: Callable[[int], tuple[int, int]], grid: tuple[int, int]
    ) -> None:
        distilled = self.vit.num_prefix_tokens == 2
        adapted = to_timm(state, depth=len(self.vit.blocks), distilled=distilled, old=old, grid=grid)
        load_tensors(self.vit, adapted, may_miss=("head",), source=source)


ARCHITECTURES = {"ast": Architecture(ASTOptions, AST, "ast")}
VARIANTS = {
    "ast_tiny": Variant(
        architecture="ast",
        options={"size": "tiny"},
        weights={"deit_tiny_imagenet": imagenet("deit_tiny_distilled_patch16_224.fb_in1k", "apache-2.0")},
    ),
    "ast_small": Variant(
        architecture="ast",
        options={"size": "small"},
        weights={"deit_small_imagenet": imagenet("deit_small_distilled_patch16_224.fb_in1k", "apache-2.0")},
    ),
    "ast_base": Variant(
        architecture="ast",
        options={"size": "base"},
        weights={
            "ast_audioset": audioset(
                "hf:MIT/ast-finetuned-audioset-10-10-0.4593/model.safetensors",
                "ae0c1e2ad4e1381d851fa9bf298ba13ebc9c5a914cdee2dbe427a6583869924d",
                "bsd-3-clause",
                0.459,
                "Hugging Face",
            ),
            "ast_audioset_authors": audioset(  # the same tensors
                "https://www.dropbox.com/s/cv4knew8mvbrnvq/audioset_0.4593.pth?dl=1",
                "dfc313e5082dc37ece8bd3bd6e7ea8bfee6598179a14eedd15c1727ad0af788f",
                "bsd-3-clause",
                0.459,
            ),
            "deit_base_imagenet": imagenet("deit_base_distilled_patch16_384.fb_in1k", "apache-2.0"),
        },
    ),
}
