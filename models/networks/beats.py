"""BEATs (Chen et al., ICML 2023, arXiv 2212.09058), from the library SpeechBrain."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.networks.base import Network, load_tensors

PATCH, MELS, PATCHES, HEAD = 16, 128, 512, 64  # side of a patch; mel bins; channels of a patch, of an attention head
NOT_OURS = ("predictor.",)  # of checkpoints that were fine-tuned on AudioSet: its 527 classes
WEIGHT_NORM = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
# What the library would change for the whole process when it is imported, TF32 among it.
QUIRKS = "allow_tf32,disable_cudnn_benchmarking,disable_jit_profiling"


@dataclass(frozen=True, kw_only=True)
class BeatsOptions:
    """Size of the encoder, and its regularisation.

    Attributes:
        width: Channels of a token, a multiple of 64; 768 as published.
        depth: Transformer blocks; 12 as published.
        dropout: In the transformer blocks; 0 as published.
        gradient_decay: Gradients are multiplied by it from each block to the one before; 0.6 as published, 1: never.
    """

    width: int = 768
    depth: int = 12
    dropout: float = 0.0
    gradient_decay: float = 0.6

    def __post_init__(self) -> None:
        if self.width < HEAD or self.width % HEAD:
            raise ValueError(f"The option width of beats is {self.width}; it is a multiple of {HEAD}.")
        if self.depth < 1:
            raise ValueError(f"The option depth of beats is {self.depth}; it is 1 or more.")


def library() -> Any:
    """Return the library's module of BEATs, and have importing it change nothing else in the process.

    Raises:
        ValueError: SpeechBrain is not installed.
    """
    os.environ["SB_DISABLE_QUIRKS"] = QUIRKS  # read when it is imported, and by nobody else
    logging.getLogger("speechbrain").setLevel(logging.WARNING)  # it would tell that it has changed nothing
    try:
        from speechbrain.lobes.models import beats
        from speechbrain.utils.importutils import LazyModule
    except ImportError as error:
        raise ValueError(
            "The architecture beats needs the library SpeechBrain: `pip install -e '.[beats]'`."
        ) from error
    # What stands for its modules that have moved raises an error at everyone who looks through the imported modules.
    for name in [name for name, module in sys.modules.items() if isinstance(module, LazyModule)]:
        del sys.modules[name]
    return beats


def configuration(options: BeatsOptions) -> dict[str, Any]:
    """Return the configuration that the published checkpoints hold, in the size and with the dropout asked for."""
    return {
        "encoder_layers": options.depth,
        "encoder_embed_dim": options.width,
        "encoder_ffn_embed_dim": 4 * options.width,
        "encoder_attention_heads": options.width // HEAD,
        "embed_dim": PATCHES,
        "layer_wise_gradient_decay_ratio": options.gradient_decay,
        "deep_norm": True,
        "dropout": options.dropout,
        "attention_dropout": options.dropout,
        "encoder_layerdrop": 0.0,
        "relative_position_embedding": True,
        "num_buckets": 320,
        "max_distance": 800,
        "gru_rel_pos": True,
    }


class Beats(Network):
    """BEATs, with the mean of its tokens as the embedding.

    Blocks are never left out at random (the published configuration does so for a twentieth of them): the library
    would draw that from NumPy's global generator, and a training could not go on where it was interrupted.

    Args:
        options: Size and regularisation.
        frames: Frames of the features; what fills no patch of 16 is left out, as published.
        mels: Mel bins of the features.
        classes: Number of logits.

    Raises:
        ValueError: The features are of another front end, or SpeechBrain is not installed.
    """

    def __init__(self, options: BeatsOptions, *, frames: int, mels: int, classes: int) -> None:
        super().__init__()
        if mels != MELS or frames < PATCH:
            raise ValueError(
                f"beats takes {PATCH} frames or more of {MELS} mels, the features have {frames} of {mels}; "
                "use the front end beats."
            )
        beats = library()
        with torch.device("cpu"):  # the library draws its random start there, whatever device is asked for
            transformer = beats.TransformerEncoder(beats.BEATsConfig(configuration(options)))
        # Under the names of the published checkpoints. The library's own class takes its size from one alone.
        self.encoder = nn.ModuleDict(
            {
                "patch_embedding": nn.Conv2d(1, PATCHES, PATCH, stride=PATCH, bias=False),
                "layer_norm": nn.LayerNorm(PATCHES),
                "post_extract_proj": nn.Linear(PATCHES, options.width),
                "encoder": transformer,
            }
        )
        self.num_features = options.width
        self.head = nn.Linear(self.num_features, classes)

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of features ``(batch, frames, mels)``."""
        patches: Tensor = self.encoder["patch_embedding"](features.unsqueeze(1))
        tokens = self.encoder["layer_norm"](patches.flatten(2).transpose(1, 2))
        encoded: Tensor = self.encoder["encoder"](self.encoder["post_extract_proj"](tokens))[0]
        return encoded.mean(1)

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Start from a published checkpoint, pretrained or fine-tuned on AudioSet; the head stays new.

        Raises:
            ValueError: The weights are of another size, or of no BEATs.
        """
        renamed = {}
        for name, tensor in state.items():
            module, _, last = name.rpartition(".")
            renamed[f"{module}.{WEIGHT_NORM[last]}" if last in WEIGHT_NORM else name] = tensor
        load_tensors(self.encoder, renamed, may_miss=NOT_OURS, source=source)
