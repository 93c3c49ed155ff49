"""Any convolutional network of timm, with one input channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import timm
from timm.models import adapt_input_conv
from torch import Tensor, nn

from models.networks.base import Network, load_tensors


@dataclass(frozen=True, kw_only=True)
class TimmOptions:
    """How a timm network starts, and its regularisation.

    Attributes:
        first_conv: With published weights: ``colours``: the sum of what they have for the three colours. ``random``: a
            new one, as in the code of work (a).
        dropout: Before the last linear layer.
        drop_path: Stochastic depth.
    """

    first_conv: Literal["colours", "random"] = "colours"
    dropout: float = 0.0
    drop_path: float = 0.0


class TimmCNN(Network):
    """A timm network as it stands, its global pooling as the embedding, one linear layer as the head.

    Args:
        backbone: A network of timm for one channel and without classes.
        options: How it starts; dropout.
        classes: Number of logits.

    Raises:
        ValueError: There is no such first convolution.
    """

    channels_last = True

    def __init__(self, backbone: Any, options: TimmOptions, *, classes: int) -> None:
        super().__init__()
        if options.first_conv not in ("colours", "random"):
            raise ValueError(f"The option first_conv is {options.first_conv}; it is colours or random.")
        self.first_conv = options.first_conv
        self.backbone = backbone
        self.num_features = backbone.head_hidden_size
        self.head = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(self.num_features, classes))

    def embed(self, features: Tensor) -> Tensor:
        """Return the pooled features ``(batch, num_features)``."""
        embedding: Tensor = self.backbone(features.transpose(1, 2).unsqueeze(1))
        return embedding

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Start from timm's own file for this model; the classifier and, if `random`, the first convolution are new."""
        first = self.backbone.pretrained_cfg["first_conv"]
        first = first if isinstance(first, str) else first[0]
        stem = f"{first}.weight"
        classifier = self.backbone.pretrained_cfg["classifier"]
        adapted = dict(state)
        if self.first_conv == "random":
            adapted |= {name: new for name, new in self.backbone.state_dict().items() if name.startswith(f"{first}.")}
        elif adapted[stem].shape[1] == 3:
            adapted[stem] = adapt_input_conv(1, adapted[stem])
        names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        load_tensors(self.backbone, adapted, may_miss=tuple(f"{name}." for name in names), source=source)


def by_name(name: str, options: TimmOptions, *, classes: int) -> TimmCNN:
    """Return the network that timm knows by a name, such as ``resnet18``, ``resnet50`` or ``efficientnet_b0``.

    Raises:
        ValueError: timm knows none; the error lists some of a similar name.
    """
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name[:6]}*")[:6]) or "others: see timm.list_models()"
        raise ValueError(f"timm has no model {name}; it has {close}.")
    backbone = timm.create_model(name, in_chans=1, num_classes=0, drop_path_rate=options.drop_path)
    return TimmCNN(backbone, options, classes=classes)
