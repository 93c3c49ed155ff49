"""Architectures by name, published weights of EfficientAT, and networks of timm."""

import sys
from collections.abc import Iterator

import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models.resnet import BasicBlock, ResNet

from models.networks.base import NetworkSpec
from models.networks.registry import create
from models.networks.timm_cnn import TimmOptions, resnet10

# Ways back whose algorithms on a GPU add in any order, by what torch calls them in a graph.
IN_ANY_ORDER = ("AdaptiveAvgPool", "AdaptiveMaxPool", "ReflectionPad", "UpsampleBi", "UpsampleLinear", "GridSampler")
LARGE = pytest.mark.slow  # 1 to 4 s each


@pytest.fixture
def strict() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def ways_back(tensor: torch.Tensor) -> set[str]:
    """Return the names of all operations between a tensor and the parameters that it hangs on."""
    found, left = set(), [tensor.grad_fn]
    seen = set(left)
    while left:
        node = left.pop()
        found.add(node.name())
        new = {after for after, _ in node.next_functions if after is not None} - seen
        seen |= new
        left += new
    return found


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("ast", {"size": "tiny", "depth": 1, "stride": 16}),
        ("ast", {"size": "tiny", "depth": 1, "stride": 16, "distilled": False, "pool": "mean"}),
        ("ssast", {"size": "tiny", "depth": 1, "stride": [16, 10]}),
        ("mn", {"width": 0.1}),
        ("cnn6", {}),
        pytest.param("cnn10", {"block_dropout": 0.0}, marks=LARGE),
        ("resnet10", {"drop_path": 0.1}),
        ("timm/mobilenetv3_small_050", {}),
        ("timm/test_efficientnet", {"width": 0.5}),
        ("timm/test_resnet", {"width": 0.5}),
        pytest.param("timm/resnet18", {"dropout": 0.1}, marks=LARGE),
        pytest.param("timm/efficientnet_b0", {}, marks=LARGE),
        ("clap", {"width": 16, "depths": [1, 1, 1, 1]}),
    ],
)
def test_every_architecture_learns_from_features_deterministically(architecture, options):
    if architecture == "clap":
        pytest.importorskip("transformers")
    mels = 64 if architecture == "clap" else 128
    network = create(architecture, frames=96, mels=mels, classes=4, options=options, weights=None)
    features = torch.randn(2, 96, mels)
    logits = network(features)
    assert logits.shape == (2, 4)
    assert network.embed(features).shape == (2, network.num_features)
    back = ways_back(logits)
    assert len(back) > 3
    assert [name for name in back if name.startswith(IN_ANY_ORDER)] == []
    logits.sum().backward()
    assert all(p.grad is not None for name, p in network.named_parameters() if "head_dist" not in name)


@pytest.mark.parametrize(
    ("architecture", "frames", "mels", "options", "message"),
    [
        ("astt", 96, 128, {}, r"there are ast, .*cnn6, .*timm/"),
        ("ast", 96, 128, {"strid": 16}, r"no option strid; it has depth, .*stride"),
        ("ast", 96, 128, {"pos_embed": "swapped"}, "pos_embed of the architecture ast is swapped; it can be correct"),
        ("ast", 96, 128, {"stride": 0}, "stride is 0"),
        ("ast", 15, 128, {}, "128 mels by 15 frames are less than one patch of 16 by 16"),
        ("ast", 161, 128, {"pad_frames": 160}, "161 frames cannot be padded to pad_frames, 160"),
        ("ssast", 160, 64, {"kind": "frame"}, "kind: frame of ssast needs 128 mels, and the front end gives 64"),
        ("cnn14", 31, 64, {}, "needs 32 frames and mels, the features have 31 and 64"),
        ("beats", 198, 64, {}, "front end beats"),
        ("beats", 9, 128, {}, "front end beats"),
        ("beats", 198, 128, {"width": 100}, "multiple"),
        ("clap", 1001, 128, {}, "use the front end clap"),
        ("clap", 1100, 64, {}, "use the front end clap"),
        ("clap", 1001, 64, {"width": 30}, "multiple of 4"),
        ("clap", 1001, 64, {"depths": [2, 2]}, "four whole numbers"),
        ("timm/resnet18x", 96, 128, {}, r"it has .*resnet"),
        ("timm/test_convnext", 96, 128, {"width": 0.5}, "timm builds test_convnext in one width only; leave the"),
        ("timm/resnet18", 96, 128, {"first_conv": "grey"}, "it can be colours, random"),
    ],
)
def test_unsuitable_features_and_options_are_refused(architecture, frames, mels, options, message):
    with pytest.raises(ValueError, match=message):
        create(architecture, frames=frames, mels=mels, classes=4, options=options, weights=None)


@pytest.mark.parametrize(("name", "stem"), [("test_resnet", 16), ("resnet14t", 32), ("resnet18", 64)])
def test_width_multiplies_the_channels_of_every_stage_of_a_resnet(name, stem):
    def channels(width):
        options = {} if width is None else {"width": width}
        network = create(f"timm/{name}", frames=96, mels=128, classes=4, options=options, weights=None)
        return [stage["num_chs"] for stage in network.backbone.feature_info]

    whole, half = channels(None), channels(0.5)
    assert half == [stem, *(count // 2 for count in whole[1:])]
    assert channels(1.0) == whole


@pytest.mark.parametrize(
    ("architecture", "mels", "library"), [("beats", 128, "speechbrain.lobes.models"), ("clap", 64, "transformers")]
)
def test_without_its_library_the_error_names_the_extra(monkeypatch, architecture, mels, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ValueError, match=rf"pip install -e '\.\[{architecture}\]'"):
        create(architecture, frames=98, mels=mels, classes=4, options={}, weights=None)


@pytest.mark.slow  # two published networks: 2 s
@pytest.mark.real
def test_efficientat_release_and_torchvision_layouts_agree(real_weights, tmp_path):
    published, folders = real_weights / "mn04_as", [tmp_path / "release", tmp_path / "torchvision"]
    release = torch.load(published / "mn04_as_mAP_432.pt", weights_only=True)
    states = (release, load_file(published / "mn04_as_torchvision.safetensors"))
    for folder, state in zip(folders, states, strict=True):
        folder.mkdir()
        save_file(state, folder / "model.safetensors")
    networks = [create("mn", frames=500, mels=128, classes=4, options={}, weights=f).eval() for f in folders]
    features = torch.randn(2, 500, 128)
    torch.testing.assert_close(networks[0].embed(features), networks[1].embed(features))
    wrong = {"width": 1.0}
    with pytest.raises(ValueError, match="of another shape"):
        create("mn", frames=500, mels=128, classes=4, options=wrong, weights=folders[0])


def test_colour_weights_of_timm_are_summed_to_one_channel(tmp_path):
    import timm

    published = timm.create_model("resnet18", num_classes=10)
    save_file(published.state_dict(), tmp_path / "model.safetensors")
    network = create("timm/resnet18", frames=96, mels=128, classes=4, options={}, weights=tmp_path).eval()
    features = torch.randn(1, 96, 128)
    grey = features.transpose(1, 2).unsqueeze(1).expand(-1, 3, -1, -1)
    expected = published.eval().forward_head(published.forward_features(grey), pre_logits=True)
    torch.testing.assert_close(network.embed(features), expected, rtol=1e-4, atol=1e-5)


def test_first_conv_random_starts_a_new_convolution(tmp_path):
    import timm

    published = timm.create_model("resnet18", num_classes=10).state_dict()
    save_file(published, tmp_path / "model.safetensors")
    options = {"first_conv": "random"}
    torch.manual_seed(0)
    started = create("timm/resnet18", frames=96, mels=128, classes=4, options=options, weights=tmp_path).state_dict()
    torch.manual_seed(0)
    new = create("timm/resnet18", frames=96, mels=128, classes=4, options=options, weights=None).state_dict()
    assert torch.equal(started["backbone.conv1.weight"], new["backbone.conv1.weight"])
    assert torch.equal(started["backbone.layer1.0.conv1.weight"], published["layer1.0.conv1.weight"])


def test_it_is_resnet18_with_one_block_per_group():
    torch.manual_seed(0)
    published = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=10).eval()
    network = resnet10(TimmOptions(), NetworkSpec(frames=96, mels=128, classes=4)).eval()
    network.load_pretrained(published.state_dict(), source="here")
    one_colour = 4_905_792 - 2 * 64 * 7 * 7
    assert sum(parameter.numel() for parameter in network.backbone.parameters()) == one_colour
    features = torch.randn(2, 96, 128)
    published.fc = torch.nn.Identity()
    grey = features.transpose(1, 2).unsqueeze(1).expand(-1, 3, -1, -1)
    torch.testing.assert_close(network.embed(features), published(grey), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "state"),
    [
        ("ast", {"cls_token": torch.ones(1)}),
        ("ast", {"patch_embed.proj.weight": torch.ones(3), "pos_embed": torch.ones(1)}),
        ("timm/test_resnet", {"x": torch.ones(1)}),
        ("timm/test_resnet", {"conv1.weight": torch.ones(1)}),
        ("ssast", {"module.p_input_fdim": torch.ones(2), "module.p_input_tdim": torch.ones(2)}),
        ("cnn6", {"bn0.weight": torch.tensor(1.0)}),
    ],
)
def test_weights_with_missing_names_or_other_dimensions_do_not_fit(tmp_path, architecture, state):
    save_file(state, tmp_path / "model.safetensors")
    options = {"size": "tiny"} if "ast" in architecture else {}
    with pytest.raises(ValueError, match=f"The weights {tmp_path} (do not fit|are not)"):
        create(architecture, frames=160, mels=128, classes=4, options=options, weights=tmp_path)


def test_quantised_weights_do_not_fit(tmp_path):
    published = {name: tensor.to(torch.int8) for name, tensor in ResNet(BasicBlock, [2, 2, 2, 2]).state_dict().items()}
    save_file(published, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"\d+ of another type \(bn1\.bias, bn1"):
        create("timm/resnet18", frames=96, mels=128, classes=4, options={}, weights=tmp_path)
