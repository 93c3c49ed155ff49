"""Convolutional networks of timm, with one input channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import timm
import torch
from annotated_types import Interval
from timm.models import adapt_input_conv, build_model_with_cfg
from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from models.networks.architecture import Architecture, Variant, imagenet
from models.networks.base import MapAxes, Network, NetworkSpec, load_tensors
from models.networks.options import TIMM, NetworkOptions, Rate


@dataclass(frozen=True, kw_only=True)
class TimmOptions(NetworkOptions):
    """Width, orientation, first convolution and regularisation.

    Attributes:
        width: Multiplier of the channels of a ResNet, or of a network that timm builds with one, such as
            ``test_efficientnet``; null: the network as it is. A ResNet whose stem is one convolution keeps its 64.
        orientation: Axes of the images that the network sees. ``mels_by_frames``: mel bins are rows, frames are
            columns; ``reference``: frames are rows, mel bins are columns, as in the code of work (a). Weights of
            ImageNet belong to images with an upper and a lower side.
        first_conv: First convolution with published weights: ``colours``: the sum of the published kernels of the three
            colours; ``random``: a new one, as in the code of work (a).
        dropout: Dropout rate before the last linear layer.
        drop_path: Rate of stochastic depth, which rises linearly over the blocks from 0. The last of the n blocks of
            an EfficientNet is skipped at the rate ``drop_path`` · (n − 1) / n, that of a ResNet at ``drop_path``. With
            0.2, EfficientNet-B0 is that of the code of work (a), whose last block has 0.1875.
    """

    width: Annotated[float, Interval(ge=0.1, le=10)] | None = None
    orientation: Literal["mels_by_frames", "reference"] = "mels_by_frames"
    first_conv: Literal["colours", "random"] = "colours"
    dropout: Rate = 0.0
    drop_path: Rate = 0.0


class TimmCNN(Network):
    """Network of timm with its global pooling as the embedding and one linear layer as the head."""

    channels_last = True
    map_axes: MapAxes | None = ("mels", "frames")

    def __init__(self, backbone: Any, options: TimmOptions, *, classes: int) -> None:
        super().__init__()
        self.first_conv, self.orientation = options.first_conv, options.orientation
        if options.orientation == "reference":
            self.map_axes = ("frames", "mels")
        self.backbone = backbone
        self.maps = nn.Identity()
        self.num_features = backbone.head_hidden_size
        self.head = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(self.num_features, classes))

    def embed(self, features: Tensor) -> Tensor:
        """Return the pooled features ``(batch, num_features)``."""
        rows = features if self.orientation == "reference" else features.transpose(1, 2)
        maps = self.maps(self.backbone.forward_features(rows.unsqueeze(1)))
        embedding: Tensor = self.backbone.forward_head(maps)
        return embedding

    def map_layers(self) -> list[nn.Module]:
        """Return the layer between the blocks and the pooling: blocks may add to the output of their last layer."""
        return [self.maps]

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Load timm's own file of this model; the classifier and, if `random`, the first convolution are not loaded."""
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


def by_name(options: TimmOptions, spec: NetworkSpec) -> TimmCNN:
    """Return timm's network of a name, such as ``timm/resnet18``, or ``timm/efficientnet_b0``.

    Raises:
        ValueError: timm has none of that name (the error lists similar names), or the network does not take the
            features or the width.
    """
    name = spec.architecture.removeprefix(TIMM)
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name[:6]}*")[:6]) or "others: see timm.list_models()"
        raise ValueError(f"timm has no model {name}; it has {close}.")
    width = {} if options.width is None else _channels(name, options.width)
    image = (spec.frames, spec.mels) if options.orientation == "reference" else (spec.mels, spec.frames)
    try:
        backbone: Any = timm.create_model(name, in_chans=1, num_classes=0, drop_path_rate=options.drop_path, **width)
        with torch.no_grad():
            maps = backbone.eval().forward_features(torch.zeros(1, 1, *image))
            backbone.forward_head(maps)
    except (AssertionError, AttributeError, IndexError, RuntimeError, TypeError) as error:
        if "channel_multiplier" in str(error):
            raise ValueError(f"timm builds {name} in one width only; leave the option width out.") from error
        size = f"{spec.frames} frames of {spec.mels} mels in one channel"
        raise ValueError(
            f"timm's network {name} does not take {size}: {error} Use another, such as resnet18."
        ) from error
    network = TimmCNN(backbone.train(), options, classes=spec.classes)
    if not isinstance(maps, Tensor) or maps.dim() != 4 or maps.shape[1] != backbone.num_features:
        network.map_axes = None  # the last layer has tokens, or its channels behind rows and columns
    return network


def _channels(name: str, width: float) -> dict[str, Any]:
    """Return timm's arguments for the network of a name with `width` times its channels."""
    if timm.model_entrypoint(name).__module__ != ResNet.__module__:
        return {"channel_multiplier": width}
    with torch.device("meta"):
        network: Any = timm.create_model(name)
    stem, *stages = network.feature_info
    blocks = (getattr(network, stage["module"])[0] for stage in stages)
    channels = (stage["num_chs"] // block.expansion for stage, block in zip(stages, blocks, strict=True))
    found: dict[str, Any] = {"channels": tuple(max(round(width * count), 1) for count in channels)}
    if isinstance(network.conv1, nn.Sequential):  # a deep stem, whose last convolution has twice its width
        found["stem_width"] = max(round(width * stem["num_chs"] / 2), 1)
    return found


def resnet10(options: TimmOptions, spec: NetworkSpec) -> TimmCNN:
    """Return ResNet10, the smallest residual network of work (a).

    It is ResNet18 (He et al., CVPR 2016) with one block instead of two in each of its four groups; timm's `resnet10t`
    has another first layer. No weights are published; weights of an own training load under torchvision's names.
    """
    backbone = build_model_with_cfg(
        ResNet,
        "resnet10",
        pretrained=False,
        pretrained_cfg={"first_conv": "conv1", "classifier": "fc"},
        block=BasicBlock,
        layers=(1, 1, 1, 1),
        in_chans=1,
        num_classes=0,
        drop_path_rate=options.drop_path,
    )
    return TimmCNN(backbone, options, classes=spec.classes)


_TRAINED = {  # timm's tag and licence of the ImageNet weights; those of the ResNets are torchvision's
    **{f"resnet{depth}": ("tv_in1k", "bsd-3-clause") for depth in (18, 34, 50, 101)},
    "efficientnet_b0": ("ra_in1k", "apache-2.0"),
    "efficientnet_b1": ("ft_in1k", "apache-2.0"),
    "efficientnet_b2": ("ra_in1k", "apache-2.0"),
}
ARCHITECTURES = {
    "resnet10": Architecture(TimmOptions, resnet10, "fbank"),
    TIMM: Architecture(TimmOptions, by_name, "fbank"),
}
VARIANTS = {
    "resnet10": Variant(architecture="resnet10"),
    **{
        name: Variant(architecture=f"{TIMM}{name}", weights={f"{name}_imagenet": imagenet(f"{name}.{tag}", licence)})
        for name, (tag, licence) in _TRAINED.items()
    },
}
