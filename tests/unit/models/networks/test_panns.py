"""CNN6, CNN10 and CNN14 against the published layout, parameter counts and pooling."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.networks.base import NetworkSpec
from models.networks.panns import SHAPES, PANNs, PANNsOptions
from tasks.runtime.params import read

RECIPES = Path(__file__).parents[4] / "recipes"

# channels of each block, side of the kernels, convolutions in a block, width of fc1, all parameters with 527 classes
PUBLISHED = {
    "cnn6": ([64, 128, 256, 512], 5, 1, 512, 4_837_455),
    "cnn10": ([64, 128, 256, 512], 3, 2, 512, 5_219_279),
    "cnn14": ([64, 128, 256, 512, 1024, 2048], 3, 2, 2048, 80_753_615),
}


def panns(name: str, mels: int = 64, *, new_bn0: bool = False) -> PANNs:
    return PANNs(PANNsOptions(new_bn0=new_bn0), NetworkSpec(architecture=name, frames=70, mels=mels, classes=4))


def checkpoint(name: str, *, fill: bool = True) -> dict[str, Tensor]:
    """Return random tensors under the names and shapes of the published file."""
    channels, side, convolutions, width, _ = PUBLISHED[name]
    generator = torch.Generator().manual_seed(0)

    def tensor(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) if fill else torch.empty(shape)

    def norm(layer: str, size: int) -> dict[str, Tensor]:
        parts = {f"{layer}.{part}": tensor(size) for part in ("weight", "bias", "running_mean", "running_var")}
        return {**parts, f"{layer}.num_batches_tracked": torch.tensor(7)}

    state = {
        "spectrogram_extractor.stft.conv_real.weight": tensor(513, 1, 1024),
        "spectrogram_extractor.stft.conv_imag.weight": tensor(513, 1, 1024),
        "logmel_extractor.melW": tensor(513, 64),
        **norm("bn0", 64),
    }
    before = 1
    for block, outputs in enumerate(channels, start=1):
        for number in range(1, convolutions + 1):
            inputs = before if number == 1 else outputs
            state[f"conv_block{block}.conv{number}.weight"] = tensor(outputs, inputs, side, side) - 0.5
            state |= norm(f"conv_block{block}.bn{number}", outputs)
        before = outputs
    for layer, outputs in (("fc1", width), ("fc_audioset", 527)):
        state |= {f"{layer}.weight": tensor(outputs, width) - 0.5, f"{layer}.bias": tensor(outputs)}
    return state


def by_formula(state: dict[str, Tensor], features: Tensor) -> Tensor:
    """Return the embedding of features (batch, frames, 64) by CNN6 or CNN10, written out on a state dict."""

    def norm(maps: Tensor, layer: str) -> Tensor:
        parts = ("running_mean", "running_var", "weight", "bias")
        mean, variance, weight, bias = (state[f"{layer}.{part}"] for part in parts)
        view = (1, -1, 1, 1)
        return (maps - mean.view(view)) / (variance + 1e-5).sqrt().view(view) * weight.view(view) + bias.view(view)

    maps = norm(features[:, :, :, None].transpose(1, 2), "bn0").permute(0, 3, 2, 1)
    blocks = sorted({name.split(".")[0] for name in state if name.startswith("conv_block")})
    for block in blocks:
        for number in (1, 2):
            if f"{block}.conv{number}.weight" in state:
                kernel = state[f"{block}.conv{number}.weight"]
                maps = norm(F.conv2d(maps, kernel, padding="same"), f"{block}.bn{number}").clamp_min(0)
        maps = F.avg_pool2d(maps, 2)
    over_time = maps.mean(3)
    pooled = over_time.max(2).values + over_time.mean(2)
    return (pooled @ state["fc1.weight"].T + state["fc1.bias"]).clamp_min(0)


@pytest.mark.parametrize("name", SHAPES)
def test_parameter_counts_are_the_published_ones(name):
    with torch.device("meta"):
        network = PANNs(PANNsOptions(), NetworkSpec(architecture=name, frames=800, mels=64, classes=527))
    assert sum(parameter.numel() for parameter in network.parameters()) == PUBLISHED[name][-1]


@pytest.mark.parametrize("name", ["cnn6", "cnn10"])
def test_published_weights_give_the_published_embedding(name):
    state = checkpoint(name)
    network = panns(name).eval()
    network.load_pretrained(state, source="here")
    features = torch.randn((2, 70, 64), generator=torch.Generator().manual_seed(1))
    expected = by_formula({key: tensor.double() for key, tensor in state.items()}, features.double())
    scale = expected.std()
    torch.testing.assert_close(network.embed(features) / scale, (expected / scale).float(), rtol=1e-4, atol=1e-4)


def test_cnn14_has_the_published_names_and_shapes():
    with torch.device("meta"):
        network = PANNs(PANNsOptions(), NetworkSpec(architecture="cnn14", frames=800, mels=64, classes=4))
    ours = {name: tensor.shape for name, tensor in network.state_dict().items() if not name.startswith("head.")}
    ignored = ("spectrogram_extractor", "logmel_extractor", "fc_audioset")
    published = checkpoint("cnn14", fill=False)
    assert ours == {name: tensor.shape for name, tensor in published.items() if not name.startswith(ignored)}


def test_cnn14_halves_five_times():
    with torch.device("meta"):
        network = PANNs(PANNsOptions(), NetworkSpec(architecture="cnn14", frames=75, mels=64, classes=4))
        maps = torch.empty(1, 1, 75, 64)
    for block in network.blocks:
        maps = network.get_submodule(block)(maps)
    assert maps.shape == (1, 2048, 2, 2)


def test_other_numbers_of_mels_require_new_bn0():
    state = checkpoint("cnn6")
    plain, network = (panns("cnn6", mels=128, new_bn0=new) for new in (False, True))
    with pytest.raises(ValueError, match=r"for 64 mel bins, the features have 128: .*new_bn0"):
        plain.load_pretrained(state, source="here")
    network.load_pretrained(state, source="here")
    assert not network.bn0.running_mean.any()
    assert torch.equal(network.state_dict()["fc1.bias"], state["fc1.bias"])


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match=r"do not fit PANNs: .*conv_block1\.bn2"):
        panns("cnn6").load_pretrained(checkpoint("cnn10"), source="here")


def test_kd_cnn6_is_the_convolutions_and_the_pooling_alone_as_in_the_code_of_work_a():
    state = checkpoint("cnn6")
    options = PANNsOptions(**read(RECIPES / "kd_cnn6.yaml")["overrides"]["student"]["options"])
    network = PANNs(options, NetworkSpec(architecture="cnn6", frames=70, mels=128, classes=4))
    network.load_pretrained(state, source="here")
    assert not [name for name in network.state_dict() if name.startswith(("bn0", "fc1"))]
    features = torch.randn((2, 70, 128), generator=torch.Generator().manual_seed(1))
    maps = features[:, None]
    for block in ("conv_block1", "conv_block2", "conv_block3", "conv_block4"):
        maps = F.conv2d(maps, state[f"{block}.conv1.weight"], padding=2)
        mean, variance = maps.mean((0, 2, 3)), maps.var((0, 2, 3), correction=0)
        weight, bias = (state[f"{block}.bn1.{part}"] for part in ("weight", "bias"))
        maps = F.batch_norm(maps, mean, variance, weight, bias).relu()
        maps = F.avg_pool2d(maps, 2)
    over_mels = maps.mean(3)
    expected = over_mels.max(2).values + over_mels.mean(2)
    torch.testing.assert_close(network.embed(features), expected, rtol=1e-4, atol=1e-4)  # in training: no dropout


def test_a_new_bn0_needs_a_bn0():
    with pytest.raises(ValueError, match=r"^new_bn0: false, because bn0 is false"):
        PANNsOptions(bn0=False, new_bn0=True)
