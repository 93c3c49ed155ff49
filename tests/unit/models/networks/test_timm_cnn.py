"""Orientation and stochastic depth of timm's networks, against the code of work (a)."""

from pathlib import Path

import torch
from timm.layers import DropPath
from torchvision.models import efficientnet_b0
from torchvision.ops import StochasticDepth

from models.explanation.activation import layer_cam
from models.networks.base import NetworkSpec
from models.networks.registry import create
from models.networks.timm_cnn import TimmCNN, TimmOptions, by_name
from tasks.runtime.params import read

RECIPE = Path(__file__).parents[4] / "recipes" / "kd_efficientnet.yaml"


def both_orientations() -> tuple[TimmCNN, TimmCNN]:
    """Return two networks with equal weights: one sees mels by frames, the other one frames by mels."""
    spec = NetworkSpec(architecture="timm/test_resnet", frames=64, mels=64, classes=4)
    usual, reference = by_name(TimmOptions(), spec).eval(), by_name(TimmOptions(orientation="reference"), spec).eval()
    reference.load_state_dict(usual.state_dict())
    return usual, reference


def test_orientation_reference_shows_frames_as_rows():
    usual, reference = both_orientations()
    features = torch.randn((2, 64, 64), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(reference(features), usual(features.transpose(1, 2)))
    torch.testing.assert_close(reference.embed(features), reference.backbone(features[:, None]))
    assert not torch.allclose(reference(features), usual(features))


def test_layer_cam_follows_the_orientation():
    usual, reference = both_orientations()
    features, targets = torch.randn((2, 64, 64), generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1])
    found = layer_cam(reference, features, targets)
    expected = layer_cam(usual, features.transpose(1, 2), targets).transpose(1, 2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert found.std() > 0


def test_kd_efficientnet_skips_blocks_at_the_rates_of_the_published_code():
    with torch.device("meta"):
        published = efficientnet_b0()  # as the code of work (a) takes it, with torchvision's stochastic depth
    options = read(RECIPE)["overrides"]["student"]["options"]
    network = create("timm/efficientnet_b0", frames=64, mels=64, classes=4, options=options, weights=None)
    rates = [module.p for module in published.modules() if isinstance(module, StochasticDepth)]
    ours = [module.drop_prob for module in network.modules() if isinstance(module, DropPath)]
    assert ours == rates[1:]  # timm has no module for the first block, whose rate is 0
    assert rates[0] == 0
    assert max(ours) == 0.1875
