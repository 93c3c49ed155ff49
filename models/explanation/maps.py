"""Maps over the spectrogram by the name of their method."""

from collections.abc import Callable
from typing import Any, get_args

from torch import Tensor

from models.explanation.activation import layer_cam
from models.explanation.attention import attention_rollout, gradient_attention
from models.explanation.gradients import integrated_gradients
from models.explanation.settings import Method
from models.networks.ast import AST
from models.networks.base import Network

_WITHOUT_BASELINE: dict[Method, Callable[[Any, Tensor, Tensor], Tensor]] = {
    "attention_rollout": attention_rollout,
    "gradient_attention": gradient_attention,
    "layer_cam": layer_cam,
}


def fits(method: Method, network: Network) -> bool:
    """Return whether a method can draw maps of a network."""
    if method == "layer_cam":
        return network.map_axes is not None
    return method == "integrated_gradients" or isinstance(network, AST)


def methods_for(network: Network) -> list[Method]:
    """Return the methods that can draw maps of a network, in the order in which they are listed."""
    return [method for method in get_args(Method) if fits(method, network)]


def draw(method: Method, network: Network, features: Tensor, targets: Tensor, baseline: Tensor) -> Tensor:
    """Return the maps ``(batch, frames, mels)`` of a batch: large where the logit of the target depends on the value.

    Args:
        method: Method that fits the network (`fits`).
        network: Network in evaluation mode.
        features: Features ``(batch, frames, mels)``.
        targets: Index ``(batch,)`` of the logit that is explained.
        baseline: Features without a sound of interest, ``(mels,)``, for integrated gradients.
    """
    if method == "integrated_gradients":
        return integrated_gradients(network, features, targets, baseline)
    return _WITHOUT_BASELINE[method](network, features, targets)
