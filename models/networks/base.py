"""Base class of the networks, and the loading of published tensors."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

MapAxes = tuple[Literal["mels", "frames"], Literal["mels", "frames"]]  # rows and columns of feature maps


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Sizes that a network is built for."""

    architecture: str = ""  # name of the architecture, such as `timm/resnet18`, for modules that build several
    frames: int  # number of frames of the features
    mels: int  # number of mel bins of the features
    classes: int  # number of logits
    pretrained: bool = False  # whether published weights will be loaded


class Network(nn.Module, ABC):
    """Network from the features of one front end to class logits: ``head(embed(features))``."""

    num_features: int  # length of the embedding
    channels_last: bool = False  # whether convolutions run faster in this memory layout (on a CPU many times faster)
    # axes of the last feature maps, after batch and channels, that class activation maps are made of; None without any
    map_axes: MapAxes | None = None
    head: nn.Module  # module from embeddings `(batch, num_features)` to logits `(batch, classes)`

    @abstractmethod
    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of features ``(batch, frames, mels)``."""

    def map_layers(self) -> list[nn.Module]:
        """Return the layers in which the last output with rows and columns is the last feature maps."""
        return [module for module in self.modules() if not any(module.children())]

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits ``(batch, classes)`` of features ``(batch, frames, mels)``."""
        logits: Tensor = self.head(self.embed(features))
        return logits

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Load published weights.

        Args:
            state: Tensors under their published names.
            source: Name of the weights, for error messages.

        Raises:
            ValueError: The weights do not fit, or none are published for this network.
        """
        raise ValueError(f"{type(self).__name__} has no published weights that {source} could hold; use `scratch`.")


class PatchNetwork(Network):
    """Network with patches, ordered frequency-major on a grid of (mels, frames), such as AST."""

    grid: tuple[int, int]  # number of patches along mels and along frames

    @abstractmethod
    def patches(self, features: Tensor) -> Tensor:
        """Return the patch embeddings ``(batch, patches, width)``, before positional embeddings are added."""

    @abstractmethod
    def encode(self, patches: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of patch embeddings."""

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of features ``(batch, frames, mels)``."""
        return self.encode(self.patches(features))


def load_tensors(module: nn.Module, state: Mapping[str, Tensor], *, may_miss: tuple[str, ...], source: str) -> None:
    """Load tensors into a module.

    Args:
        module: Module that receives the tensors.
        state: Tensors by name.
        may_miss: Prefixes of the names that may be absent from ``state`` or unused.
        source: Name of the weights, for error messages.

    Raises:
        ValueError: Names, shapes or types do not fit; a network is never left half pretrained.
    """
    own = module.state_dict()
    used = {name: tensor for name, tensor in state.items() if not name.startswith(may_miss)}
    wanted = {name for name in own if not name.startswith(may_miss)}
    missing, unknown = sorted(wanted - used.keys()), sorted(used.keys() - wanted)
    common = sorted(wanted & used.keys())
    misfits = [name for name in common if own[name].shape != used[name].shape]
    # An integer in place of a weight is a quantised network, whose scale is unknown here.
    kinds = [name for name in common if own[name].is_floating_point() != used[name].is_floating_point()]
    lists = ((missing, "missing"), (unknown, "unknown"), (misfits, "of another shape"), (kinds, "of another type"))
    if any(names for names, _ in lists):
        parts = [
            f"{len(names)} {word} ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})"
            for names, word in lists
            if names
        ]
        raise ValueError(f"The weights {source} do not fit {type(module).__name__}: " + "; ".join(parts) + ".")
    module.load_state_dict({**own, **used})
