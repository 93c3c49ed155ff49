"""ResNet10 against torchvision's residual network of the same blocks."""

import torch
from torchvision.models.resnet import BasicBlock, ResNet

from models.networks.base import NetworkSpec
from models.networks.timm_cnn import TimmOptions, resnet10


def test_it_is_resnet18_with_one_block_per_group():
    torch.manual_seed(0)
    published = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=10).eval()
    network = resnet10(TimmOptions(), NetworkSpec(frames=96, mels=128, classes=4)).eval()
    network.load_pretrained(published.state_dict(), source="here")
    assert (
        sum(parameter.numel() for parameter in network.backbone.parameters()) == 4_905_792 - 2 * 64 * 7 * 7
    )  # one colour
    features = torch.randn(2, 96, 128)
    published.fc = torch.nn.Identity()
    grey = features.transpose(1, 2).unsqueeze(1).expand(-1, 3, -1, -1)
    torch.testing.assert_close(network.embed(features), published(grey), rtol=1e-4, atol=1e-5)
