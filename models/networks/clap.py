"""CLAP's audio encoder (Wu et al., ICASSP 2023, arXiv 2211.06687), HTSAT, from the library transformers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.networks.architecture import Architecture, Variant, Weights
from models.networks.base import Network, NetworkSpec, load_tensors
from models.networks.options import NetworkOptions, Rate, missing_library

EMBEDDING = 512  # length of the embedding that audio and text share
LONGEST, MELS = 1024, 64  # frames and mel bins that fit into the encoder's image of 256 × 256
INDEX = "relative_position_index"  # name of constants that only some versions of the library save
LIBRARY = "transformers"
UNUSED = ("text_model.", "text_projection.", "logit_scale")  # text encoder in the published file


@dataclass(frozen=True, kw_only=True)
class ClapOptions(NetworkOptions):
    """Size and regularisation of the encoder.

    Attributes:
        width: Number of channels after the patch embedding, a multiple of 4; it doubles at each of the four levels; 96
            as published.
        depths: Number of transformer blocks at each of the four levels; 2, 2, 6, 2 as published.
        dropout: Dropout rate in the transformer blocks; 0.1 as published.
        drop_path: Rate of stochastic depth; 0 as published.
    """

    width: int = 96
    depths: Sequence[int] = (2, 2, 6, 2)
    dropout: Rate = 0.1
    drop_path: Rate = 0.0

    def __post_init__(self) -> None:
        if self.width < 4 or self.width % 4:
            raise ValueError(f"The option width of clap is {self.width}; it is a multiple of 4 from 4, of the heads.")
        if len(self.depths) != 4 or min(self.depths) < 1:
            raise ValueError(f"The option depths of clap is {list(self.depths)}; it is four whole numbers from 1.")


def stretching(frames: int) -> Tensor:
    """Return the matrix ``(1024, frames)`` of the bicubic interpolation of frames that keeps the first and last."""
    each = torch.eye(frames)[None, None]
    return interpolate(each, (LONGEST, frames), mode="bicubic", align_corners=True)[0, 0]


class Clap(Network):
    """Audio encoder with its projection, whose output (as published, not normalised) is the embedding.

    Raises:
        ValueError: The features come from another front end, or transformers is not installed.
    """

    def __init__(self, options: ClapOptions, spec: NetworkSpec) -> None:
        super().__init__()
        if spec.mels != MELS or spec.frames > LONGEST:
            raise ValueError(
                f"clap takes up to {LONGEST} frames of {MELS} mels, the features have {spec.frames} of {spec.mels}; "
                "use the front end clap."
            )
        try:
            from transformers import ClapAudioConfig, ClapAudioModelWithProjection
        except ImportError as error:
            raise ValueError(missing_library("clap", LIBRARY)) from error
        config = ClapAudioConfig(
            patch_embeds_hidden_size=options.width,
            hidden_size=options.width * 8,
            depths=list(options.depths),
            hidden_dropout_prob=options.dropout,
            drop_path_rate=options.drop_path,
            projection_dim=EMBEDDING,
        )
        self.encoder: nn.Module = ClapAudioModelWithProjection(config)
        self.stretch: Tensor
        self.register_buffer("stretch", stretching(spec.frames), persistent=False)
        # The library offers no other way to change this step between two layers of the encoder.
        self.encoder.get_submodule("audio_model.audio_encoder").reshape_mel2img = self._image  # type: ignore[assignment]
        self.num_features = EMBEDDING
        self.head = nn.Linear(EMBEDDING, spec.classes)

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of features ``(batch, frames, mels)``."""
        embedding: Tensor = self.encoder(input_features=features.unsqueeze(1)).audio_embeds
        return embedding

    def _image(self, normalised: Tensor) -> Tensor:
        """Return the encoder's image of normalised features ``(batch, 1, frames, mels)``.

        The encoder's own interpolation has no deterministic gradient on a GPU. A matrix product gives the same frames
        with one. It runs in float32, as the interpolation does.
        """
        with torch.autocast(normalised.device.type, enabled=False):
            stretched = torch.einsum("of,bcfm->bcom", self.stretch, normalised.float())
        audio = self.encoder.get_submodule("audio_model.audio_encoder")
        image: Tensor = type(audio).reshape_mel2img(audio, stretched)  # type: ignore[attr-defined]
        return image

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Load ``laion/clap-htsat-unfused`` (``audio_model.…``, ``audio_projection.…``); the head is not loaded.

        Raises:
            ValueError: The weights have another size, or are not those of CLAP.
        """
        constants = {name: tensor for name, tensor in self.encoder.state_dict().items() if name.endswith(INDEX)}
        learned = {name: tensor for name, tensor in state.items() if not name.endswith(INDEX)}
        load_tensors(self.encoder, {**learned, **constants}, may_miss=UNUSED, source=source)


ARCHITECTURES = {"clap": Architecture(ClapOptions, Clap, "clap", library=LIBRARY)}
VARIANTS = {
    "clap": Variant(
        architecture="clap",
        weights={
            "clap_htsat_unfused": Weights(
                source="hf:laion/clap-htsat-unfused/pytorch_model.bin",
                sha256="1cd3c601bc4afe0fa87be3de4c13dd2cfadd249fac1e29acf74a9b296c3219bb",
                licence="apache-2.0",
                learned_from="LAION-Audio-630K, with its captions",
                layout="Hugging Face",
            )
        },
    )
}
