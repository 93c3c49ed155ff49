"""BEATs (Chen et al., ICML 2023, arXiv 2212.09058) from the library SpeechBrain."""

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Interval
from torch import Tensor, nn

from models.networks.architecture import Architecture, Variant, Weights
from models.networks.base import Network, NetworkSpec, load_tensors
from models.networks.options import Depth, NetworkOptions, Rate, missing_library

PATCH, MELS, PATCHES, HEAD = 16, 128, 512, 64  # side of a patch; mel bins; channels of a patch, of an attention head
LIBRARY = "speechbrain"
UNUSED = ("predictor.",)  # head of 527 classes in checkpoints that were fine-tuned on AudioSet
WEIGHT_NORM = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
# Settings of the whole process, such as TF32, that the library changes on import unless told not to.
QUIRKS = "allow_tf32,disable_cudnn_benchmarking,disable_jit_profiling"


@dataclass(frozen=True, kw_only=True)
class BeatsOptions(NetworkOptions):
    """Size and regularisation of the encoder.

    Attributes:
        width: Number of channels of a token, a multiple of 64; 768 as published.
        depth: Number of transformer blocks; 12 as published.
        dropout: Dropout rate in the transformer blocks; 0 as published.
        gradient_decay: Factor of the gradient from each block to the block before; 0.6 as published, 1: no decay.
    """

    width: int = 768
    depth: Depth = 12
    dropout: Rate = 0.0
    gradient_decay: Annotated[float, Interval(gt=0, le=1)] = 0.6

    def __post_init__(self) -> None:
        if self.width < HEAD or self.width % HEAD:
            raise ValueError(f"The option width of beats is {self.width}; it is a multiple of {HEAD}.")


def library() -> Any:
    """Import the library's module of BEATs without changing anything else in the process.

    Raises:
        ValueError: SpeechBrain is not installed.
    """
    os.environ["SB_DISABLE_QUIRKS"] = QUIRKS  # SpeechBrain reads it on import
    logging.getLogger("speechbrain").setLevel(logging.WARNING)  # else it logs that no setting was changed
    try:
        from speechbrain.lobes.models import beats
        from speechbrain.utils.importutils import LazyModule
    except ImportError as error:
        raise ValueError(missing_library("beats", LIBRARY)) from error
    # Placeholders of moved modules raise an error when any code walks through the imported modules.
    for name in [name for name, module in sys.modules.items() if isinstance(module, LazyModule)]:
        del sys.modules[name]
    return beats


def configuration(options: BeatsOptions) -> dict[str, Any]:
    """Return the configuration of the published checkpoints with the size and dropout of the options."""
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
    """BEATs with the mean of its tokens as the embedding; frames that fill no patch of 16 are left out, as published.

    No block is dropped at random, unlike in the published configuration (5 % of blocks). The library would draw these
    from NumPy's global generator, and an interrupted training could not be resumed.

    Raises:
        ValueError: The features come from another front end, or SpeechBrain is not installed.
    """

    def __init__(self, options: BeatsOptions, spec: NetworkSpec) -> None:
        super().__init__()
        if spec.mels != MELS or spec.frames < PATCH:
            raise ValueError(
                f"beats takes {PATCH} frames or more of {MELS} mels, the features have {spec.frames} of {spec.mels}; "
                "use the front end beats."
            )
        beats = library()
        with torch.device("cpu"):  # the library draws its random start on the CPU in any case
            transformer = beats.TransformerEncoder(beats.BEATsConfig(configuration(options)))
        # Names of the published checkpoints. The library's own class takes its size only from a checkpoint.
        self.encoder = nn.ModuleDict(
            {
                "patch_embedding": nn.Conv2d(1, PATCHES, PATCH, stride=PATCH, bias=False),
                "layer_norm": nn.LayerNorm(PATCHES),
                "post_extract_proj": nn.Linear(PATCHES, options.width),
                "encoder": transformer,
            }
        )
        self.num_features = options.width
        self.head = nn.Linear(self.num_features, spec.classes)

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of features ``(batch, frames, mels)``."""
        patches: Tensor = self.encoder["patch_embedding"](features.unsqueeze(1))
        tokens = self.encoder["layer_norm"](patches.flatten(2).transpose(1, 2))
        encoded: Tensor = self.encoder["encoder"](self.encoder["post_extract_proj"](tokens))[0]
        return encoded.mean(1)

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Load a published checkpoint, pretrained or fine-tuned on AudioSet; the head is not loaded.

        Raises:
            ValueError: The weights have another size, or are not those of BEATs.
        """
        renamed = {}
        for name, tensor in state.items():
            module, _, last = name.rpartition(".")
            renamed[f"{module}.{WEIGHT_NORM[last]}" if last in WEIGHT_NORM else name] = tensor
        load_tensors(self.encoder, renamed, may_miss=UNUSED, source=source)


ARCHITECTURES = {"beats": Architecture(BeatsOptions, Beats, "beats", library=LIBRARY)}
VARIANTS = {
    "beats": Variant(
        architecture="beats",
        weights={
            "beats_iter3_plus": Weights(  # a copy: the signature in the authors' own address expires
                source="https://huggingface.co/datasets/Bencr/beats-checkpoints/resolve/main/BEATs_iter3_plus_AS2M.pt",
                sha256="d43cbfad4d7b56381c061d7a24774f908d4d94c72961f6eb1d9090ff18cd8d34",
                licence="mit",
                learned_from="AudioSet",
            )
        },
    )
}
