"""SSAST, the self-supervised AST (Gong et al., AAAI 2022, arXiv 2110.09784), for fine-tuning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from models.networks.architecture import Architecture, Variant, Weights
from models.networks.ast import AST, ASTOptions
from models.networks.base import NetworkSpec
from models.networks.options import Depth, NetworkOptions, Rate, Stride

PATCHES = {"patch": (16, 16), "frame": (128, 2)}
LENGTHS = ("module.p_input_fdim", "module.p_input_tdim")  # entries of a checkpoint: mels and frames of its pretraining


@dataclass(frozen=True, kw_only=True)
class SSASTOptions(NetworkOptions):
    """Size and shape of an SSAST.

    Attributes:
        kind: Shape of the patches: ``patch``: 16 × 16; ``frame``: all 128 mels by 2 frames.
        size: Width and heads of DeiT: tiny (192, 3), small (384, 6), base (768, 12).
        depth: Number of transformer blocks; 12 as published.
        stride: Stride of the patches in mels and in frames, or one number for both; null: no overlap, as in
            pretraining. The published fine-tuning uses 10 for ``patch`` and [128, 1] for ``frame``.
        task: ``ft_avgtok``: mean of the patches' tokens; ``ft_cls``: mean of the class and distillation tokens.
        dropout: Dropout rate before the last linear layer; 0 as published.
    """

    kind: Literal["patch", "frame"] = "patch"
    size: Literal["tiny", "small", "base"] = "base"
    depth: Depth = 12
    stride: Stride | None = None
    task: Literal["ft_avgtok", "ft_cls"] = "ft_avgtok"
    dropout: Rate = 0.0


class SSAST(AST):
    """AST with the patches, the pooling and the self-supervised checkpoints of SSAST.

    Raises:
        ValueError: Patches of the kind ``frame`` need 128 mels.
    """

    def __init__(self, options: SSASTOptions, spec: NetworkSpec) -> None:
        patch = PATCHES[options.kind]
        if options.kind == "frame" and spec.mels != patch[0]:
            raise ValueError(
                f"The option kind: frame of ssast needs {patch[0]} mels, and the front end gives {spec.mels}."
            )
        ast_options = ASTOptions(
            size=options.size, depth=options.depth, stride=options.stride or patch, dropout=options.dropout
        )
        super().__init__(ast_options, spec, patch=patch)
        self.task = options.task

    def pool(self, tokens: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of output tokens, class and distillation tokens first."""
        return tokens[:, self.vit.num_prefix_tokens :].mean(1) if self.task == "ft_avgtok" else super().pool(tokens)

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Load a checkpoint of the authors (``module.v.…``) without its pretraining heads.

        Positional embeddings are cut or interpolated from the pretraining grid: patches without overlap, of 128 mels by
        the number of frames that the checkpoint gives.

        Args:
            state: Tensors of a checkpoint, by their names in it.
            source: Name of the weights, for error messages.

        Raises:
            ValueError: The file is not a checkpoint of SSAST, or is one of another kind or size.
        """
        missing = [name for name in LENGTHS if name not in state]
        if missing:
            raise ValueError(f"The weights {source} are not SSAST's: they have no {', '.join(missing)}.")
        patch = state["module.v.patch_embed.proj.weight"].shape[2:]
        rows, columns = (int(state[name]) // length for name, length in zip(LENGTHS, patch, strict=True))
        self._load(state, source, old=lambda _: (rows, columns), grid=self.grid)


_STRIDES = {"patch": 10, "frame": [128, 1]}
_DROPBOX_FOLDERS = {  # frame-based weights of the size small are not published
    ("patch", "tiny"): "fkbtf78y94113wz",
    ("patch", "small"): "i24w446rl9pkf05",
    ("patch", "base"): "ewrzpco95n9jdz6",
    ("frame", "tiny"): "rx7g60ruzawffzv",
    ("frame", "base"): "nx6nl4d4bl71sm8",
}


def _variant(kind: str, size: str) -> Variant:
    """Return a published size, with its weights if they are published."""
    options = {"kind": kind, "stride": _STRIDES[kind], "size": size}
    if (kind, size) not in _DROPBOX_FOLDERS:
        return Variant(architecture="ssast", options=options)
    file = f"{_DROPBOX_FOLDERS[kind, size]}/SSAST-{size.title()}-{kind.title()}-400.pth?dl=1"
    weights = Weights(
        source=f"https://www.dropbox.com/s/{file}",
        licence="bsd-3-clause",
        learned_from="AudioSet and LibriSpeech, without labels",
    )
    return Variant(architecture="ssast", options=options, weights={f"ssast_{kind}_{size}": weights})


ARCHITECTURES = {"ssast": Architecture(SSASTOptions, SSAST, "ast")}
VARIANTS = {f"ssast_{kind}_{size}": _variant(kind, size) for kind in PATCHES for size in ("tiny", "small", "base")}
