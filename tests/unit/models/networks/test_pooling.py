"""Windows of a clip and their pooling, against values worked out by hand."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models import artifact
from models.networks.base import Network
from models.networks.options import PoolingOptions
from models.networks.pooling import GatedAttention, WindowPooling, Windows
from models.networks.registry import create

POOLING = {"windows": "attention", "window_s": 0.5, "hop_s": 0.25}
TINY = {"size": "tiny", "depth": 1, "stride": 16}


class MeanOfMels(Network):
    """Network whose embedding is the mean of each mel bin, and whose logits are the embedding."""

    num_features = 2

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Identity()

    def embed(self, features: Tensor) -> Tensor:
        return features.mean(1)


@pytest.mark.parametrize(
    ("frames", "duration_s", "options", "windows"),
    [
        (800, 8.0, PoolingOptions(), Windows(200, (0, 100, 200, 300, 400, 500, 600))),  # M2D2: seven windows of 2 s
        (798, 8.0, PoolingOptions(), Windows(200, (0, 100, 199, 299, 399, 498, 598))),  # the front end ast
        (250, 2.5, PoolingOptions(), Windows(200, (0, 50))),  # the hop is lowered: the last window ends with the clip
        (100, 1.0, PoolingOptions(window_s=0.7, hop_s=0.1), Windows(70, (0, 10, 20, 30))),  # 0.3 / 0.1 > 3 as floats
        (100, 1.0, PoolingOptions(window_s=0.4, hop_s=0.4), Windows(40, (0, 30, 60))),
    ],
)
def test_windows_cover_the_clip_at_equal_distances(frames, duration_s, options, windows):
    assert Windows.of_clip(options, frames=frames, duration_s=duration_s) == windows
    cut = windows.cut(torch.arange(frames)[None, :, None])
    assert cut.shape == (1, len(windows.starts), windows.length, 1)
    assert set(cut.flatten().tolist()) == set(range(frames))


def test_gated_attention_by_hand():
    """Of the hidden units only the first is not zero, so that a weight is softmax(w tanh(v h) sigmoid(u h))."""
    attention = GatedAttention(2)
    for parameter in attention.parameters():
        nn.init.zeros_(parameter)
    with torch.no_grad():
        attention.value.weight[0, 0], attention.gate.weight[0, 1], attention.score.weight[0, 0] = 2.0, 1.0, 3.0
    embeddings = torch.tensor([[[0.0, 5.0], [0.5, 0.0], [-0.5, 0.0]]])
    # scores 0, 3 tanh(1) / 2 and −3 tanh(1) / 2
    expected = torch.tensor([[0.0, 1.142391, -1.142391]]).softmax(1)
    torch.testing.assert_close(attention(embeddings), expected)


def test_the_embedding_is_the_mean_of_the_windows_by_their_weights():
    windows = Windows(length=2, starts=(0, 2))
    features = torch.tensor([[[1.0, 0.0], [3.0, 0.0], [0.0, 8.0], [0.0, 0.0]]])
    torch.testing.assert_close(
        WindowPooling(MeanOfMels(), windows, attention=False)(features), torch.tensor([[1.0, 2.0]])
    )
    network = WindowPooling(MeanOfMels(), windows, attention=True)
    assert network.attention is not None
    with torch.no_grad():
        network.attention.score.weight.zero_()
    torch.testing.assert_close(network(features), torch.tensor([[1.0, 2.0]]))
    with torch.no_grad():  # w tanh(4) is far above w tanh(0), so that all weight is on the second window
        network.attention.value.weight.copy_(torch.tensor([0.0, 1.0]).expand(128, 2))
        network.attention.score.weight.fill_(10.0)
    torch.testing.assert_close(network(features), torch.tensor([[0.0, 4.0]]))


@pytest.mark.parametrize(
    ("architecture", "mels", "options"),
    [
        ("ast", 128, TINY),
        ("ssast", 128, {"size": "tiny", "depth": 1}),
        ("mn", 128, {"width": 0.1}),
        ("cnn6", 64, {}),
        ("resnet10", 128, {}),
        ("timm/test_resnet", 128, {}),
        pytest.param("clap", 64, {"width": 16, "depths": [1, 1, 1, 1]}, marks=pytest.mark.slow),  # imports: 1 to 3 s
        pytest.param("beats", 128, {"width": 64, "depth": 1}, marks=pytest.mark.slow),
    ],
)
def test_every_architecture_learns_from_windows_and_is_loaded_unchanged(tmp_path, architecture, mels, options):
    pytest.importorskip({"clap": "transformers", "beats": "speechbrain"}.get(architecture, "torch"))
    card = {"architecture": architecture, "options": {**options, "pooling": POOLING}, "frames": 96, "mels": mels}
    card |= {"frontend": "toy", "duration_s": 1.0, "labels": "lungsound_2", "classes": ["normal", "abnormal"]}
    shape = {key: card[key] for key in ("frames", "mels", "options", "duration_s")}
    network = create(architecture, **shape, classes=2, weights=None)
    features = torch.randn(2, 96, mels)
    network(features)[:, 0].sum().backward()
    assert all(parameter.grad is not None for parameter in network.attention.parameters())
    artifact.save(tmp_path, {"val": network.state_dict()}, card)
    loaded, _ = artifact.load(tmp_path, "val")
    if network.channels_last:
        network.to(memory_format=torch.channels_last)
    assert torch.equal(loaded(features), network.eval()(features))
    assert loaded.embed(features).shape == (2, network.num_features)
    assert loaded.channels_last == network.encoder.channels_last


def test_the_network_of_a_window_starts_from_published_weights(tmp_path):
    published = create("mn", frames=96, mels=128, classes=4, options={"width": 0.1}, weights=None)
    state = {name: tensor for name, tensor in published.state_dict().items() if not name.startswith("head.3.")}
    save_file(state, tmp_path / "model.safetensors")
    options = {"width": 0.1, "pooling": POOLING}
    network = create("mn", frames=96, mels=128, classes=4, options=options, weights=tmp_path, duration_s=1.0)
    assert torch.equal(network.get_parameter("encoder.features.0.0.weight"), state["features.0.0.weight"])
    assert torch.equal(network.get_parameter("head.0.weight"), state["head.0.weight"])


@pytest.mark.parametrize(
    ("pooling", "duration_s", "message"),
    [
        ({"window_s": 1.0}, 1.0, "pooling.window_s is 1.0, and clips have 1.0 s; set it below the front end's"),
        ({"window_s": 0.1, "hop_s": 0.1}, 1.0, "128 mels by 10 frames are less than one patch"),
        ({"window_s": 0.2, "hop_s": 0.5}, 1.0, "hop_s: at most window_s, which is 0.2"),
        ({"windows": "max"}, 4.0, "windows of the option pooling of the architecture ast is max; it can be attention"),
        ({"window": 1.0}, 4.0, "option pooling of the architecture ast has no option window; it has hop_s, window_s"),
        ({}, None, "pooling needs duration_s"),
    ],
)
def test_windows_that_do_not_fit_are_refused(pooling, duration_s, message):
    options = {**TINY, "pooling": pooling}
    with pytest.raises(ValueError, match=message):
        create("ast", frames=100, mels=128, classes=4, options=options, weights=None, duration_s=duration_s)
