"""CNN6, CNN10 and CNN14 of PANNs (Kong et al., IEEE/ACM TASLP 28, 2020, arXiv 1912.10211)."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from models.networks.architecture import Architecture, Variant, audioset
from models.networks.base import Network, NetworkSpec, load_tensors
from models.networks.options import NetworkOptions, Rate


@dataclass(frozen=True)
class Shape:
    """Layers of one of the three networks (Table II of the paper)."""

    channels: tuple[int, ...]  # number of output channels of each block
    convolutions: int  # number of convolutions in a block
    kernel: int  # side of a convolution's kernel
    halvings: int  # number of blocks, from the first, that halve frames and mels


SHAPES = {
    "cnn6": Shape((64, 128, 256, 512), convolutions=1, kernel=5, halvings=4),
    "cnn10": Shape((64, 128, 256, 512), convolutions=2, kernel=3, halvings=4),
    "cnn14": Shape((64, 128, 256, 512, 1024, 2048), convolutions=2, kernel=3, halvings=5),
}
# Tensors of the published files that belong to the front end and to the classes of AudioSet.
UNUSED = ("spectrogram_extractor.", "logmel_extractor.", "fc_audioset.")


@dataclass(frozen=True, kw_only=True)
class PANNsOptions(NetworkOptions):
    """Options of PANNs: dropout, the first BatchNorm, and the linear layer of the embedding.

    Attributes:
        dropout: Dropout rate before each linear layer.
        block_dropout: Dropout rate after each block.
        new_bn0: Whether the BatchNorm of the mel bins is initialised instead of loaded. The published one is for 64 mel
            bins in dB, and fits only the front end `panns`.
        bn0: Whether there is a BatchNorm of the mel bins, as published by PANNs; the CNN6 of work (a) has none.
        fc1: Whether a linear layer with ReLU follows the pooling, as published by PANNs; the CNN6 of work (a) has none.
    """

    dropout: Rate = 0.5
    block_dropout: Rate = 0.2
    new_bn0: bool = False
    bn0: bool = True
    fc1: bool = True

    def __post_init__(self) -> None:
        if self.new_bn0 and not self.bn0:
            raise ValueError("new_bn0: false, because bn0 is false, so that there is no such BatchNorm")


class PANNs(Network):
    """BatchNorm of each mel bin, blocks of convolutions, pooling and a linear layer, under the published names.

    The published networks contain SpecAugment; here the training loop applies it.

    Raises:
        ValueError: The features are too small for the number of halvings.
    """

    channels_last = True
    map_axes = ("frames", "mels")

    def __init__(self, options: PANNsOptions, spec: NetworkSpec) -> None:
        super().__init__()
        shape = SHAPES[spec.architecture]
        smallest = 2**shape.halvings
        if min(spec.frames, spec.mels) < smallest:
            what = f"the features have {spec.frames} and {spec.mels}; use longer clips"
            raise ValueError(f"{spec.architecture} needs {smallest} frames and mels, {what}.")
        self.new_bn0 = options.new_bn0
        self.bn0 = nn.BatchNorm1d(spec.mels) if options.bn0 else None
        self.blocks = tuple(f"conv_block{number}" for number in range(1, len(shape.channels) + 1))
        inputs = (1, *shape.channels[:-1])
        for number, (block, channels) in enumerate(
            zip(self.blocks, zip(inputs, shape.channels, strict=True), strict=True)
        ):
            self.add_module(
                block, conv_block(*channels, shape, halve=number < shape.halvings, dropout=options.block_dropout)
            )
        self.num_features = shape.channels[-1]
        self.dropout = nn.Dropout(options.dropout)
        self.fc1 = nn.Linear(self.num_features, self.num_features) if options.fc1 else None
        self.head = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(self.num_features, spec.classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def embed(self, features: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)``: mean over mels, maximum plus mean over frames, ``fc1``."""
        if self.bn0 is not None:
            features = self.bn0(features.transpose(1, 2)).transpose(1, 2)
        maps = features.unsqueeze(1)
        for block in self.blocks:
            maps = self.get_submodule(block)(maps)
        over_time = maps.mean(3)
        pooled = over_time.amax(2) + over_time.mean(2)
        if self.fc1 is None:
            return pooled
        embedding: Tensor = self.fc1(self.dropout(pooled)).relu()
        return embedding

    def load_pretrained(self, state: Mapping[str, Tensor], source: str) -> None:
        """Load the published weights of the layers that this network has, except the head and a new ``bn0``.

        Args:
            state: Tensors of a published file, by their names in it.
            source: Name of the weights, for error messages.

        Raises:
            ValueError: The weights belong to another network, or to another number of mel bins.
        """
        published = state.get("bn0.weight")
        if self.bn0 is not None and published is not None and not self.new_bn0:
            own = self.bn0.num_features
            if len(published) != own:
                raise ValueError(
                    f"The weights {source} are for {len(published)} mel bins, the features have {own}: "
                    "use the front end panns, or set the option new_bn0 to true."
                )
        unused = list(UNUSED)
        if self.bn0 is None or self.new_bn0:
            unused.append("bn0.")
        if self.fc1 is None:
            unused.append("fc1.")
        load_tensors(self, state, may_miss=("head.", *unused), source=source)


def conv_block(inputs: int, outputs: int, shape: Shape, *, halve: bool, dropout: float) -> nn.Sequential:
    """Return a block: convolutions without bias, each with BatchNorm and ReLU, then pooling and dropout.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        shape: Layers of the network.
        halve: Whether average pooling halves frames and mels.
        dropout: Dropout rate after the block.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(1, shape.convolutions + 1):
        channels = inputs if number == 1 else outputs
        layers[f"conv{number}"] = nn.Conv2d(channels, outputs, shape.kernel, padding=shape.kernel // 2, bias=False)
        layers[f"bn{number}"] = nn.BatchNorm2d(outputs)
        layers[f"relu{number}"] = nn.ReLU(inplace=True)
    if halve:
        layers["pool"] = nn.AvgPool2d(2)
    layers["dropout"] = nn.Dropout(dropout)
    return nn.Sequential(layers)


_ZENODO = "https://zenodo.org/record/3987831/files"
_SHA256 = "0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31"
_FILES = {  # file, SHA-256 where it is publicly known, mAP on AudioSet
    "cnn6": ("Cnn6_mAP%3D0.343.pth", None, 0.343),
    "cnn10": ("Cnn10_mAP%3D0.380.pth", None, 0.380),
    "cnn14": ("Cnn14_mAP%3D0.431.pth", _SHA256, 0.431),
}
ARCHITECTURES = {
    "cnn6": Architecture(PANNsOptions, PANNs, "panns"),
    "cnn10": Architecture(PANNsOptions, PANNs, "panns"),
    "cnn14": Architecture(PANNsOptions, PANNs, "panns"),
}
VARIANTS = {
    name: Variant(
        architecture=name, weights={f"{name}_audioset": audioset(f"{_ZENODO}/{file}", sha256, "cc-by-4.0", precision)}
    )
    for name, (file, sha256, precision) in _FILES.items()
}
