"""Counted operations against values worked out by hand, and utilisation."""

import pytest
import torch
from torch import Tensor, nn

from models.networks.base import Network
from models.networks.registry import create
from models.training.objectives import CrossEntropy
from models.training.selection import TrainingData
from models.training.throughput import Throughput, measure_cost, peak
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys

CPU = torch.device("cpu")


def flops(network: Network, data: TrainingData) -> int:
    return measure_cost(network, CrossEntropy(0.0, None), data, CPU).flops


def test_operations_of_a_linear_layer(data):
    inputs = toys.FRAMES * toys.MELS
    assert flops(toys.Linear(inputs, 4), data) == 2 * (2 * inputs * 4)


def test_operations_of_attention(data):
    data.features.frames = data.features.mels = 64
    options = {"size": "tiny", "depth": 1, "stride": 16}
    found = flops(create("ast", frames=64, mels=64, classes=4, options=options, weights=None), data)
    tokens, width = 4 * 4 + 2, 192
    patches = 2 * 16 * 256 * width  # forward, and for the weights alone
    block = 2 * tokens * width * (3 + 1 + 4 + 4) * width  # queries, keys, values; output; two layers of the MLP
    attention = 2 * 2 * tokens * tokens * width  # scores; their mixture of the values
    head = 2 * width * 4
    assert found == 2 * patches + 3 * (block + attention + head)


class Depthwise(Network):
    """A convolution of one channel to six, and one of each of the six by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 6
        self.body = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 6, 5, stride=2, padding=2, groups=6))
        self.head = nn.Linear(6, toys.CLASSES)

    def embed(self, features: Tensor) -> Tensor:
        maps: Tensor = self.body(features.unsqueeze(1))
        return maps.mean((2, 3))


def test_operations_of_depthwise_convolutions(data):
    bins = toys.FRAMES * toys.MELS
    first, depthwise, head = 2 * 6 * bins * 9, 2 * 6 * bins // 4 * 25, 2 * 6 * 4
    assert flops(Depthwise(), data) == 2 * first + 3 * depthwise + 3 * head


def test_counting_does_not_change_the_network(data):
    network = toys.network().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert not measure_cost(network, CrossEntropy(0.0, None), data, CPU).unused_parameters
    assert not network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_parameters_without_a_gradient_are_reported(data):
    assert measure_cost(parallel.Normed(), CrossEntropy(0.0, None), data, CPU).unused_parameters


@pytest.mark.parametrize(
    ("name", "bf16", "tf32", "expected"),
    [
        ("NVIDIA H200", True, False, 989.4e12),
        ("NVIDIA H100 80GB HBM3", True, True, 989.4e12),
        ("NVIDIA H100 PCIe", True, False, 756.5e12),
        ("NVIDIA A100-SXM4-80GB", False, True, 156e12),
        ("NVIDIA L4", False, False, 30.3e12),
        ("NVIDIA L40S", False, False, 91.6e12),
        ("NVIDIA L40", True, False, None),
    ],
)
def test_peaks_are_known_by_the_name_of_the_device(name, bf16, tf32, expected):
    assert peak(name, bf16=bf16, tf32=tf32) == expected


def test_sam_counts_twice_in_operations_and_once_in_clips(data):
    one = flops(toys.Linear(toys.FRAMES * toys.MELS, 4), data)
    speed = Throughput.of_steps(clips=40, steps=5, operations=80 * one, seconds=10.0, peak=20 * one)
    assert (speed.clips_per_s, speed.step_ms) == (4.0, 2000.0)
    assert speed.flops_per_s == 8 * 2 * 2 * 320 * 4
    assert speed.utilisation == pytest.approx(8 / 20)
