"""EfficientAT's MobileNetV3 (Schmid et al., ICASSP 2023, arXiv 2211.04772), built on torchvision's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from annotated_types import Interval
from torch import Tensor, nn
from torchvision.models.mobilenetv3 import InvertedResidual, MobileNetV3, _mobilenet_v3_conf
from torchvision.ops.misc import SqueezeExcitation

from models.networks.architecture import Architecture, Variant, audioset
from models.networks.base import Network, NetworkSpec, load_tensors
from models.networks.options import NetworkOptions, Rate

PRETRAINED_MOMENTUM, SCRATCH_MOMENTUM = 0.01, 0.1


@dataclass(frozen=True, kw_only=True)
class MobileNetOptions(NetworkOptions):
    """Size and regularisation of the network.

    Attributes:
        width: Multiplier of the channels: 0.4 for the published ``mn04_as``, 1.0 for ``mn10_as``.
        dropout: Dropout rate in the head.
    """

    width: Annotated[float, Interval(ge=0.05, le=10)] = 0.4
    dropout: Rate = 0.2


class MobileNet(Network):
    """MobileNetV3-Large for one input channel, with sigmoid gates in squeeze and excitation.

    The head keeps the published hidden layer; its last layer is new. BatchNorm's momentum is 0.01 with pretrained
    statistics and 0.1 without. With 0.01, the running statistics of a short training from scratch would be far from
    those of its data.
    """

    channels_last = True
    map_axes = ("mels", "frames")

    def __init__(self, options: MobileNetOptions, spec: NetworkSpec) -> None:
        super().__init__()
        blocks, hidden = _mobilenet_v3_conf("mobilenet_v3_large", width_mult=options.width)
        network = MobileNetV3(
            blocks,
            hidden,
            num_classes=spec.classes,
            block=partial(InvertedResidual, se_layer=partial(SqueezeExcitation, scale_activation=nn.Sigmoid)),
            norm_layer=partial(
                nn.BatchNorm2d, eps=1e-3, momentum=PRETRAINED_MOMENTUM if spec.pretrained else SCRATCH_MOMENTUM
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
        """Load EfficientAT's release files, or the same tensors under torchvision's names."""
        own, renamed = self.state_dict(), {}
        for published, tensor in state.items():
            name = published.replace(".conc_se_layers.0.", ".")
            name = name.replace("classifier.2.", "head.0.").replace("classifier.0.", "head.0.")
            # The release has linear gates where torchvision has 1 × 1 convolutions.
            one_by_one = name in own and own[name].dim() == 4 and tensor.dim() == 2
            renamed[name] = tensor[:, :, None, None] if one_by_one else tensor
        load_tensors(self, renamed, may_miss=("head.3.", "classifier."), source=source)


_RELEASE = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1"
_FILES = {  # width, SHA-256, mAP on AudioSet
    "mn04": (0.4, "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c", 0.432),
    "mn10": (1.0, "0bd7dc2443af498c289a2e739f02ebb515d6aa3fd3ab9db539c86123ae368a4e", 0.471),
}
ARCHITECTURES = {"mn": Architecture(MobileNetOptions, MobileNet, "efficientat")}
VARIANTS = {
    name: Variant(
        architecture="mn",
        options={"width": width},
        weights={
            f"{name}_as": audioset(f"{_RELEASE}/{name}_as_mAP_{1000 * precision:.0f}.pt", sha256, "mit", precision)
        },
    )
    for name, (width, sha256, precision) in _FILES.items()
}
