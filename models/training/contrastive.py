"""Patch-Mix contrastive learning (Bae et al., INTERSPEECH 2023, arXiv 2305.14032)."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.base import Network
from models.training.objectives import CrossEntropy, Targets
from models.training.patchmix import Mix, PatchMix, as_patch_network
from models.training.settings import PatchMixSettings

EXCLUDED = -1e9  # similarity whose exponential is zero, and whose product with zero is finite


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

    With s_ij = ĝ_i · k̂_j / τ, both L2-normalised, and p the permutation of the mixing::

        ℓ_i = − λ log( exp s_ii / Σ_j exp s_ij ) − (1 − λ) log( exp s_ip(i) / Σ_j exp s_ij )

    Args:
        anchors: Projections ``(batch, width)`` of the mixed clips.
        keys: Embeddings or projections ``(batch, width)`` of the clean clips.
        mix: λ and the permutation.
        labels: Class indices ``(batch,)`` of the clean clips.
        temperature: τ.
        negatives: Range of j in the denominator: ``all``: the whole batch; ``diff_label``: i, p(i) and the clips of
            another label than i.
    """
    # Autocast would compute the products in bf16, and the small temperature would multiply the rounding error.
    with torch.autocast(anchors.device.type, enabled=False):
        similarity = F.normalize(anchors.float(), dim=1) @ F.normalize(keys.float(), dim=1).T / temperature
    own = torch.eye(len(labels), device=labels.device)
    other = own[mix.perm]
    targets = mix.lam * own + (1 - mix.lam) * other
    if negatives == "diff_label":
        among = (labels[:, None] != labels[None, :]) | (own + other > 0)
        similarity = similarity.masked_fill(~among, EXCLUDED)
    return -(targets * similarity.log_softmax(dim=1)).sum(dim=1).mean()


class PatchMixContrastive(PatchMix):
    """Cross-entropy of the clean clips + α · contrastive loss between the mixed and the clean clips.

    The anchors are projected embeddings of the mixed clips. The keys are embeddings of the clean clips, unchanged
    (``grad_…``) or projected (``project_…``), with gradient (``…_flow``) or without (``…_block``). Only clips that pass
    the network at once are compared: with several processes or micro-batches, those of a part of a batch.

    Raises:
        ValueError: Keys without projection have another length than the anchors.
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
        width = num_features
        self.projector = nn.Sequential(
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Linear(width, settings.projection)
        )

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of a batch."""
        mix: Mix = targets.mix
        patched = as_patch_network(network)
        patches = patched.patches(features)
        clean = patched.encode(patches)
        anchors = self.projector(patched.encode(mix(patches)))
        keys = self.projector(clean) if self.settings.target.startswith("project") else clean
        if self.settings.target.endswith("block"):
            keys = keys.detach()
        contrast = contrastive_loss(
            anchors, keys, mix, targets.labels, temperature=self.settings.temperature, negatives=self.settings.negatives
        )
        hard = self.hard.mean_loss(patched.head(clean), targets.labels, targets.batch_labels)
        return hard + self.settings.alpha * contrast
