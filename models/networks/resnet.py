"""ResNet10, the smallest residual network of work (a), which timm lacks (its `resnet10t` has another stem)."""

from __future__ import annotations

from typing import Any, cast

from timm.models import build_model_with_cfg
from timm.models.resnet import BasicBlock, ResNet

from models.networks.timm_cnn import TimmCNN, TimmOptions


def resnet10(options: TimmOptions, *, classes: int) -> TimmCNN:
    """Return ResNet18 (He et al., CVPR 2016) with one block in each of the four stages instead of two.

    Nobody published weights of it, but those of an own training load under torchvision's names.
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
