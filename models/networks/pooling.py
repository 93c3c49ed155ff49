"""Pooling over windows of a clip, as in multiple-instance learning: each window passes the network by itself."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.networks.base import Network
from models.networks.options import PoolingOptions

HIDDEN = 128  # length of the attention's hidden layer, as published


@dataclass(frozen=True)
class Windows:
    """Windows of one length that cover a clip from its first frame to its last."""

    length: int  # number of frames of a window
    starts: tuple[int, ...]  # first frame of each window

    @classmethod
    def of_clip(cls, options: PoolingOptions, *, frames: int, duration_s: float | None) -> "Windows":
        """Return the windows of a clip: the fewest, at equal distances, whose distance is at most ``hop_s``.

        Args:
            options: Length and distance of the windows.
            frames: Number of frames of the clip.
            duration_s: Length of the clip in seconds, if known.

        Raises:
            ValueError: A window is not shorter than the clip, or the length of the clip is unknown.
        """
        if duration_s is None:
            raise ValueError("The option pooling needs duration_s, the length of the clips, and it is unknown.")
        if options.window_s >= duration_s:
            raise ValueError(
                f"The option pooling.window_s is {options.window_s}, and clips have {duration_s} s; "
                "set it below the front end's duration_s."
            )
        length = max(1, round(frames * options.window_s / duration_s))
        hops = math.ceil((duration_s - options.window_s) / options.hop_s - 1e-6)  # 1e-6: rounding, as in 0.3 / 0.1
        return cls(length, tuple(round(hop * (frames - length) / hops) for hop in range(hops + 1)))

    def cut(self, features: Tensor) -> Tensor:
        """Return the windows ``(batch, windows, length, mels)`` of features ``(batch, frames, mels)``."""
        return torch.stack([features[:, start : start + self.length] for start in self.starts], dim=1)


class GatedAttention(nn.Module):
    """Gated attention (Ilse, Tomczak & Welling, ICML 2018, arXiv 1802.04712, equation 9).

    The weight of window k with embedding h_k is ``softmax_k(wᵀ (tanh(V h_k) ⊙ sigmoid(U h_k)))``.

    Args:
        width: Length of an embedding.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.value = nn.Linear(width, HIDDEN)  # V
        self.gate = nn.Linear(width, HIDDEN)  # U
        self.score = nn.Linear(HIDDEN, 1, bias=False)  # w; a bias would not change the softmax

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return the weights ``(batch, windows)``, whose sum is 1, of embeddings ``(batch, windows, width)``."""
        scores: Tensor = self.score(self.value(embeddings).tanh() * self.gate(embeddings).sigmoid())
        return scores.squeeze(2).softmax(1)


class WindowPooling(Network):
    """Network whose embedding is a weighted mean of the embeddings of a clip's windows.

    Windows that hold padding only are not masked: features alone do not show where a cycle ends.

    Args:
        encoder: Network of one window; its head becomes the head of the clip.
        windows: Windows of a clip.
        attention: Whether the weights come from gated attention; otherwise they are equal.
    """

    def __init__(self, encoder: Network, windows: Windows, *, attention: bool) -> None:
        super().__init__()
        self.windows = windows
        self.channels_last, self.num_features = encoder.channels_last, encoder.num_features
        self.head, encoder.head = encoder.head, nn.Identity()
        self.encoder = encoder
        self.attention = GatedAttention(self.num_features) if attention else None

    def embed(self, features: Tensor) -> Tensor:
        """Return the weighted mean ``(batch, num_features)`` of the windows' embeddings."""
        windows = self.windows.cut(features)
        batch, count = windows.shape[:2]
        embeddings = self.encoder.embed(windows.flatten(0, 1)).reshape(batch, count, -1)
        if self.attention is None:
            return embeddings.mean(1)
        weights: Tensor = self.attention(embeddings)
        return torch.einsum("bw,bwd->bd", weights, embeddings)
