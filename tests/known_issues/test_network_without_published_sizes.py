"""A network that lists no published sizes: `breathline models NAME` failed with IndexError."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from cli.main import app
from models import networks
from models.networks.registry import create

NEW = '''
from dataclasses import dataclass

from torch import nn

from models.networks.architecture import Architecture
from models.networks.base import Network
from models.networks.options import NetworkOptions


@dataclass(frozen=True, kw_only=True)
class LinearOptions(NetworkOptions):
    """Size of the embedding.

    Attributes:
        width: Length of the embedding.
    """

    width: int = 8


class Linear(Network):
    def __init__(self, options, spec):
        super().__init__()
        self.num_features = options.width
        self.hidden = nn.Linear(spec.mels, options.width)
        self.head = nn.Linear(options.width, spec.classes)

    def embed(self, features):
        return self.hidden(features.mean(1))


ARCHITECTURES = {"linear": Architecture(LinearOptions, Linear, "panns")}
'''


@pytest.fixture
def _linear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "linear.py").write_text(NEW)
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])


@pytest.mark.usefixtures("_linear")
@pytest.mark.slow  # starts processes that import torch, about 6 s
def test_one_new_file_is_a_new_network():
    network = create("linear", frames=20, mels=64, classes=4, options={"width": 6}, weights=None)
    assert network(torch.ones(2, 20, 64)).shape == (2, 4)
    pooling = {"pooling": {"windows": "mean", "window_s": 1.0}}
    pooled = create("linear", frames=20, mels=64, classes=4, options=pooling, weights=None, duration_s=2.0)
    assert pooled(torch.ones(2, 20, 64)).shape == (2, 4)


@pytest.mark.usefixtures("_linear")
def test_the_command_shows_it_from_a_random_start():
    done = CliRunner().invoke(app, ["models", "linear"])
    assert done.exit_code == 0, done.output
    for text in ("556 parameters, front end panns", "Length of the embedding", "weights: scratch"):
        assert text in done.stdout
