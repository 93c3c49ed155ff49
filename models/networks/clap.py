"""CLAP's audio encoder (Wu et al., ICASSP 2023, arXiv 2211.06687), HTSAT, from the library transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.networks.base import Network, load_tensors

EMBEDDING = 512  # length of the embedding that audio and text share
LONGEST, MELS = 1024, 64  # frames and mel bins that the encoder's image of 256 × 256 has room for
INDEX = "relative_position_index"  # constants, which not every version of the library saves
NOT_OURS = ("text_model.", "text_projection.", "logit_scale")  # of the published file, what reads text


@dataclass(frozen=True, kw_only=True)
class ClapOptions:
    """Size of the encoder, and its regularisation.

    Attributes:
        width: Channels after the patch embedding, a multiple of 4, doubled from stage to stage; 96 as published.
        depths: Transformer blocks of each of the four stages; 2, 2, 6, 2 as published.
        dropout: In the transformer blocks; 0.1 as published.
        drop_path: Stochastic depth; 0 as published.
    """

    width: int = 96
    depths: Sequence[int] = (2, 2, 6, 2)
    dropout: float = 0.1
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 4 or self.width % 4:
            raise ValueError(f"The option width of clap is {self.width}; it is a multiple of 4 from 4, of the heads.")
        if len(self.depths) != 4 or min(self.depths) < 1:
            raise ValueError(f"The option depths of clap is {list(self.depths)}; it is four whole numbers from 1.")


def stretching(frames: int) -> Tensor:
    """Return the weights ``(1024, frames)`` of bicubic interpolation of frames, first and last ones kept."""
    each = torch.eye(frames)[None, None]
    return interpolate(each, (LONGEST, frames), mode="bicubic", align_corners=True)[0, 0]


class Clap(Network):
    """The audio encoder with its projection, whose output (as published, not normalised) is the embedding.

    Args:
        options: Size and regularisation.
        frames: Frames of the features.
        mels: Mel bins of the features.
        classes: Number of logits.

    Raises:
        ValueError: The features are of another front end, or transformers is not installed.
    """

    def __init__(self, options: ClapOptions, *, frames: int, mels: int, classes: int) -> None:
        super().__init__()
        if mels != MELS or frames > LONGEST:
            raise ValueError(
                f"clap takes up to {LONGEST} frames of {MELS} mels, the features have {frames} of {mels}; "
                "use the front end clap."
            )
        try:
            from transformers import ClapAudioConfig, ClapAudioModelWithProjection
        except ImportError as error:
            raise ValueError(
                "The architecture clap needs the library transformers: `pip install -e '.[clap]'`."
            ) from error
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
        self.register_buffer("stretch", stretching(frames), persistent=False)
        # Between two layers of the encoder there is no other way in than the method that stands there.
        self.encoder.get_submodule("audio_model.audio_encoder").reshape_mel2img = self._image  # type: ignore[assignment]
        self.num_features = EMBEDDING
        self.head = nn.Linear(EMBEDDING, classes)

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of features ``(batch, frames, mels)``."""
        embedding: Tensor = self.encoder(input_features=features.unsqueeze(1)).audio_embeds
        return embedding

    def _image(self, normalised: Tensor) -> Tensor:
        """Return the image of normalised features ``(batch, 1, frames, mels)``, of as many frames as it has room for.

        The encoder would interpolate them itself, with a gradient that no algorithm of a GPU gives equally in every
        run; a matrix product gives the same frames, and such a gradient. Not in bf16: interpolation is not, either.
        """
        with torch.autocast(normalised.device.type, enabled=False):
            stretched = torch.einsum("of,bcfm->bcom", self.stretch, normalised.float())
        audio = self.encoder.get_submodule("audio_model.audio_encoder")
        image: Tensor = type(audio).reshape_mel2img(audio, stretched)  # type: ignore[attr-defined]
        return image

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Start from ``laion/clap-htsat-unfused`` (``audio_model.…``, ``audio_projection.…``); the head stays new.

        Raises:
            ValueError: The weights are of another size, or of no CLAP.
        """
        constants = {name: tensor for name, tensor in self.encoder.state_dict().items() if name.endswith(INDEX)}
        learned = {name: tensor for name, tensor in state.items() if not name.endswith(INDEX)}
        load_tensors(self.encoder, {**learned, **constants}, may_miss=NOT_OURS, source=source)
