"""EfficientAT's MobileNetV3 (Schmid et al., ICASSP 2023, arXiv 2211.04772) on torchvision's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn
from torchvision.models.mobilenetv3 import InvertedResidual, MobileNetV3, _mobilenet_v3_conf
from torchvision.ops.misc import SqueezeExcitation

from models.networks.base import Network, load_tensors

PRETRAINED_MOMENTUM, SCRATCH_MOMENTUM = 0.01, 0.1


@dataclass(frozen=True, kw_only=True)
class MobileNetOptions:
    """Size of the network.

    Attributes:
        width: Multiplier of the channels: 0.4 for the published ``mn04_as``, 1.0 for ``mn10_as``.
        dropout: In the head.
    """

    width: float = 0.4
    dropout: float = 0.2


class MobileNet(Network):
    """MobileNetV3-Large for one input channel, with sigmoid gates in squeeze and excitation.

    The head keeps the published hidden layer; its last layer is new. BatchNorm moves slowly (momentum 0.01) from
    pretrained statistics and quickly (0.1) from none: with 0.01, short training from scratch is judged by statistics
    that it never reached.
    """

    channels_last = True

    def __init__(self, options: MobileNetOptions, *, classes: int, pretrained: bool) -> None:
        super().__init__()
        blocks, hidden = _mobilenet_v3_conf("mobilenet_v3_large", width_mult=options.width)
        network = MobileNetV3(
            blocks,
            hidden,
            num_classes=classes,
            block=partial(InvertedResidual, se_layer=partial(SqueezeExcitation, scale_activation=nn.Sigmoid)),
            norm_layer=partial(
                nn.BatchNorm2d, eps=1e-3, momentum=PRETRAINED_MOMENTUM if pretrained else SCRATCH_MOMENTUM
            ),
            dropout=options.dropout,
        )
        first = network.features[0][0]
        network.features[0][0] = nn.Conv2d(1, first.out_channels, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(network.features[0][0].weight, mode="fan_out")
        self.features: nn.Module = network.features
        self.head = network.classifier
        self.num_features = network.classifier[0].in_features

    def embed(self, features: Tensor) -> Tensor:
        """Return the mean over frequency and time of the last feature maps: ``(batch, num_features)``."""
        maps: Tensor = self.features(features.transpose(1, 2).unsqueeze(1))
        return maps.mean((2, 3))

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Start from EfficientAT's release files, or from the same tensors under torchvision's names."""
        own, renamed = self.state_dict(), {}
        for published, tensor in state.items():
            name = published.replace(".conc_se_layers.0.", ".")
            name = name.replace("classifier.2.", "head.0.").replace("classifier.0.", "head.0.")
            # The release has linear gates where torchvision has 1 × 1 convolutions.
            one_by_one = name in own and own[name].dim() == 4 and tensor.dim() == 2
            renamed[name] = tensor[:, :, None, None] if one_by_one else tensor
        load_tensors(self, renamed, may_miss=("head.3.", "classifier."), source=source)
