"""Layer-CAM: class activation maps of convolutional networks."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.base import Network


def layer_cam(network: Network, features: Tensor, targets: Tensor) -> Tensor:
    """Return Layer-CAM of the last feature maps (Jiang et al., IEEE TIP 30, 2021), as maps ``(batch, frames, mels)``.

    It is (Σ_k (∂y / ∂A_k)⁺ ⊙ A_k)⁺ over the channels k of the last feature maps A, interpolated to the size of the
    features. Unlike Grad-CAM, each position has a weight of its own.

    Args:
        network: Network in evaluation mode that sets `map_axes`.
        features: Features ``(batch, frames, mels)``.
        targets: Index ``(batch,)`` of the logit y that is explained.

    Raises:
        ValueError: The network has no feature maps.
    """
    if network.map_axes is None:
        raise ValueError(f"{type(network).__name__} has no feature maps, which Layer-CAM needs.")
    found: list[Tensor] = []

    def keep_last(_layer: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2:].numel() > 1:
            found[:] = [output]

    handles = [layer.register_forward_hook(keep_last) for layer in network.map_layers()]
    try:
        with torch.enable_grad():
            score = network(features).gather(1, targets[:, None]).sum()
            maps = found[0]
            (gradient,) = torch.autograd.grad(score, [maps])
    finally:
        for handle in handles:
            handle.remove()
    relevance = (gradient.clamp_min(0) * maps.detach()).sum(1, keepdim=True).clamp_min(0)
    if network.map_axes == ("mels", "frames"):
        relevance = relevance.transpose(2, 3)
    return F.interpolate(relevance, features.shape[1:], mode="bilinear", align_corners=False)[:, 0]
