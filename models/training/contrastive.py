"""Patch-Mix contrastive learning (Bae et al., INTERSPEECH 2023, arXiv 2305.14032)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.base import Network
from models.training.objectives import CrossEntropy, Targets
from models.training.patchmix import Mix, PatchMix, with_patches
from models.training.settings import PatchMixSettings

EXCLUDED = -1e9  # exp of it is zero, and it stays finite in a product with zero


class Projector(nn.Sequential):
    """Linear, BatchNorm, ReLU, Linear: from embeddings to where they are compared.

    Args:
        width: Of the embeddings.
        projection: Of what comes out.
    """

    def __init__(self, width: int, projection: int) -> None:
        super().__init__(
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Linear(width, projection)
        )


def contrastive_loss(
    anchors: Tensor,
    keys: Tensor,
    mix: Mix,
    labels: Tensor,
    *,
    temperature: float,
    negatives: Literal["all", "diff_label"],
) -> Tensor:
    """Return the Patch-Mix contrastive loss, a mean over the batch.

    With s_ij = ĝ_i · k̂_j / τ, both L2-normalised, and p(i) the partner of i::

        ℓ_i = − λ log( exp s_ii / Σ_j exp s_ij ) − (1 − λ) log( exp s_ip(i) / Σ_j exp s_ij )

    Args:
        anchors: Of the mixed clips ``(batch, width)``.
        keys: Of the clean clips ``(batch, width)``.
        mix: With λ and the partners.
        labels: Class indices ``(batch,)`` of the clean clips.
        temperature: τ.
        negatives: Over which j the denominator runs: the whole batch, or i, p(i) and those of another label than i.
    """
    # Autocast would take the products in bf16, whose error the small temperature multiplies.
    with torch.autocast(anchors.device.type, enabled=False):
        similarity = F.normalize(anchors.float(), dim=1) @ F.normalize(keys.float(), dim=1).T / temperature
    own = torch.eye(len(labels), device=labels.device)
    partners = own[mix.partner]
    targets = mix.share * own + (1 - mix.share) * partners
    if negatives == "diff_label":
        among = (labels[:, None] != labels[None, :]) | (own + partners > 0)
        similarity = similarity.masked_fill(~among, EXCLUDED)
    return -(targets * similarity.log_softmax(dim=1)).sum(dim=1).mean()


class PatchMixContrastive(PatchMix):
    """Cross-entropy of the clean pass + α · contrastive loss between the mixed and the clean clips.

    The anchors are the projected embeddings of the mixed clips. The keys are those of the clean clips: as they are
    (``grad_…``) or projected (``project_…``), with their gradient (``…_flow``) or without (``…_block``). Clips that
    pass the network at once are compared: with several processes or micro-batches, those of a part of a batch.

    Args:
        hard: The cross-entropy of the clean pass.
        settings: Of Patch-Mix.
        num_features: Length of the network's embedding.

    Raises:
        ValueError: Keys that are not projected have another length than the anchors.
    """

    def __init__(self, hard: CrossEntropy, settings: PatchMixSettings, num_features: int) -> None:
        super().__init__(hard, beta=settings.beta, domain=settings.domain)
        self.settings = settings
        if settings.target.startswith("grad") and settings.projection != num_features:
            raise ValueError(
                f"With patchmix.target {settings.target}, projections are compared with embeddings: "
                f"patchmix.projection must be their length, {num_features}, not {settings.projection}; "
                "or use project_block."
            )
        self.projector = Projector(num_features, settings.projection)

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of a batch."""
        mix: Mix = targets.mix
        patched = with_patches(network)
        patches = patched.patches(features)
        clean = patched.encode(patches)
        anchors = self.projector(patched.encode(mix(patches)))
        keys = self.projector(clean) if self.settings.target.startswith("project") else clean
        if self.settings.target.endswith("block"):
            keys = keys.detach()
        contrast = contrastive_loss(
            anchors,
            keys,
            mix,
            targets.labels,
            temperature=self.settings.temperature,
            negatives=self.settings.negatives,
        )
        return self.hard.of(patched.head(clean), targets.labels, targets.whole) + self.settings.alpha * contrast
