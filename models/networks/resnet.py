"""ResNet10, the smallest residual network of work (a); timm's `resnet10t` has another first layer."""

from __future__ import annotations

from typing import Any, cast

from timm.models import build_model_with_cfg
from timm.models.resnet import BasicBlock, ResNet

from models.networks.architecture import Architecture, Variant
from models.networks.timm_cnn import TimmCNN, TimmOptions


def resnet10(options: TimmOptions, *, classes: int) -> TimmCNN:
    """Return ResNet18 (He et al., CVPR 2016) with one block instead of two in each of its four groups.

    No weights are published; weights of an own training load under torchvision's names.
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
    return TimmCNN(cast("Any", backbone), options, classes=classes)


ARCHITECTURES = {
    "resnet10": Architecture(TimmOptions, lambda options, spec: resnet10(options, classes=spec.classes), "fbank")
}
VARIANTS = {"resnet10": Variant(architecture="resnet10")}
