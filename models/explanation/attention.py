"""Maps from the attention of AST and SSAST: rollout, and attention weighted by its gradient."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from timm.layers.attention import Attention
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.ast import AST


@contextmanager
def recorded(network: nn.Module) -> Iterator[list[Tensor]]:
    """Record the attention weights ``(batch, heads, tokens, tokens)`` of each block, in the order of the blocks.

    Fused attention never forms these weights; it is switched off within the block.

    Args:
        network: Network with timm's attention layers, in evaluation mode.
    """
    layers = [module for module in network.modules() if isinstance(module, Attention)]
    weights, fused = list[Tensor](), [layer.fused_attn for layer in layers]
    handles = [
        layer.attn_drop.register_forward_hook(lambda _layer, _inputs, output: weights.append(output))
        for layer in layers
    ]
    for layer in layers:
        layer.fused_attn = False  # type: ignore[misc]  # final for TorchScript only
    try:
        yield weights
    finally:
        for layer, handle, was in zip(layers, handles, fused, strict=True):
            handle.remove()
            layer.fused_attn = was  # type: ignore[misc]


def rollout(weights: Sequence[Tensor]) -> Tensor:
    """Return the attention rollout ``(batch, tokens, tokens)`` (Abnar & Zuidema, ACL 2020, arXiv 2005.00928).

    A block mixes tokens by (Ā + I) / 2: the mean Ā of its heads, and the residual connection. The rollout is the
    product over the blocks. Rows are output tokens, columns input tokens, and each row sums to 1.

    Args:
        weights: Attention weights ``(batch, heads, tokens, tokens)`` of each block.
    """
    same = torch.eye(weights[0].shape[-1], device=weights[0].device)
    total = same.expand(len(weights[0]), -1, -1)
    for block in weights:
        total = (block.mean(1) + same) / 2 @ total
    return total


def weighted_by_gradient(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """Return the relevance ``(batch, tokens, tokens)`` of input tokens (Chefer et al., ICCV 2021, arXiv 2103.15679).

    It starts as R = I. A block adds mean((∇A ⊙ A)⁺) R, the mean over its heads. The I of the start is left out of the
    result. Rows are output tokens, columns input tokens.

    Args:
        weights: Attention weights A ``(batch, heads, tokens, tokens)`` of each block.
        gradients: Gradients ∇A of the explained logit with respect to them.
    """
    same = torch.eye(weights[0].shape[-1], device=weights[0].device)
    total = same.expand(len(weights[0]), -1, -1)
    for block, gradient in zip(weights, gradients, strict=True):
        total = total + (block * gradient).clamp_min(0).mean(1) @ total
    return total - same


def attention_rollout(network: AST, features: Tensor, targets: Tensor) -> Tensor:
    """Return the rollout as maps ``(batch, frames, mels)``; it is the same for every class."""
    with torch.no_grad(), recorded(network) as weights:
        network(features)
    return _maps(network, rollout(weights), features)


def gradient_attention(network: AST, features: Tensor, targets: Tensor) -> Tensor:
    """Return the attention weighted by its gradient as maps ``(batch, frames, mels)``.

    Args:
        network: Network in evaluation mode.
        features: Features ``(batch, frames, mels)``.
        targets: Index ``(batch,)`` of the logit that is explained.
    """
    with torch.enable_grad(), recorded(network) as weights:
        score = network(features).gather(1, targets[:, None]).sum()
        gradients = torch.autograd.grad(score, weights)
    return _maps(network, weighted_by_gradient([block.detach() for block in weights], gradients), features)


def _maps(network: AST, relevance: Tensor, features: Tensor) -> Tensor:
    """Return the maps of relevance ``(batch, tokens, tokens)``, read where the embedding reads its tokens."""
    tokens = relevance.shape[-1]
    # The embedding is a mean of some output tokens: the pooling of unit vectors gives the weight of each.
    read = network.pool(torch.eye(tokens, device=relevance.device)[None])[0]
    patches = (read @ relevance)[:, network.vit.num_prefix_tokens :]
    return spread(patches, network, frames=features.shape[1], mels=features.shape[2])


def spread(patches: Tensor, network: AST, *, frames: int, mels: int) -> Tensor:
    """Return values of patches as maps ``(batch, frames, mels)``; where patches overlap, the mean of their values.

    Args:
        patches: Values ``(batch, patches)``, frequency-major.
        network: Network whose grid the patches lie on.
        frames: Number of frames of the features; padding beyond them is cut off.
        mels: Number of mel bins of the features.
    """
    projection = network.vit.patch_embed.proj
    area = torch.ones(1, 1, *projection.kernel_size, device=patches.device)
    grid = patches.reshape(-1, 1, *network.grid)
    total, count = (
        F.conv_transpose2d(values, area, stride=projection.stride) for values in (grid, torch.ones_like(grid[:1]))
    )
    covered = (total / count.clamp_min(1))[:, 0, :mels, :frames]
    # A rest of mel bins or frames that fills no patch is not seen by the network.
    return F.pad(covered, (0, frames - covered.shape[2], 0, mels - covered.shape[1])).transpose(1, 2)
