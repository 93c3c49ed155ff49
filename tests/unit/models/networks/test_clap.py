"""CLAP's audio encoder against the published layout, and its errors."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from models.networks.registry import create

SMALL = {"width": 16, "depths": [1, 1, 1, 1]}


@pytest.fixture
def published() -> dict[str, Tensor]:
    """Return random tensors of a small CLAP, text side included, as transformers saves a whole one."""
    transformers = pytest.importorskip("transformers")
    audio = {
        "patch_embeds_hidden_size": 16, "hidden_size": 128, "depths": [1, 1, 1, 1], "projection_dim": 512,
    }  # fmt: skip
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.ClapConfig(text_config=text | {"vocab_size": 20, "projection_dim": 512}, audio_config=audio)
    torch.manual_seed(1)
    model = transformers.ClapModel(config).eval()
    state: dict[str, Tensor] = model.state_dict()
    for name, tensor in state.items():
        if name.endswith("running_mean"):
            tensor.uniform_(-30, 30)
    features = torch.randn(2, 1001, 64)
    pooled = model.audio_model(input_features=features.unsqueeze(1)).pooler_output
    return {"features": features, "expected": model.audio_projection(pooled).detach(), **state}


def test_the_embedding_is_that_of_the_published_layout(published, tmp_path):
    features, expected = published.pop("features"), published.pop("expected")
    published["text_model.embeddings.position_ids"] = torch.arange(4)  # of older versions, as in the published file
    for name in [name for name in published if name.endswith("relative_position_index")]:
        del published[name]
    save_file({name: tensor.contiguous() for name, tensor in published.items()}, tmp_path / "model.safetensors")
    network = create("clap", frames=1001, mels=64, classes=4, options=SMALL, weights=tmp_path).eval()
    torch.testing.assert_close(network.embed(features), expected)
    with pytest.raises(ValueError, match="of another shape"):
        create("clap", frames=1001, mels=64, classes=4, options=SMALL | {"width": 32}, weights=tmp_path)
