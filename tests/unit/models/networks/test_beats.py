"""BEATs against the library, in the published layout, and its errors."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from models.frontends.registry import create as create_front_end
from models.networks.beats import BeatsOptions, configuration, library
from models.networks.registry import create

SMALL = {"width": 64, "depth": 2}
pytest.importorskip("sentencepiece", reason="the extra `beats` is not installed")
beats = library()


def test_it_equals_the_library_from_waveform_to_tokens(tmp_path):
    """A checkpoint as Microsoft publishes it, of a small model: weight_g and weight_v, a head of 527 classes."""
    torch.manual_seed(0)
    cfg = configuration(BeatsOptions(**SMALL)) | {"encoder_layerdrop": 0.05, "finetuned_model": True}
    empty = tmp_path / "empty.pt"
    torch.save({"cfg": cfg, "model": {}}, empty)
    plain = beats.BEATs.__new__(beats.BEATs)
    original = beats.BEATs.load_state_dict
    beats.BEATs.load_state_dict = lambda *_: None
    try:
        plain.__init__(str(empty))
    finally:
        beats.BEATs.load_state_dict = original
    new = {"original0": "weight_g", "original1": "weight_v"}
    state = {
        name.replace("parametrizations.weight.", "").replace(last, new.get(last, last)): tensor.clone()
        for name, tensor in plain.state_dict().items()
        for last in [name.rpartition(".")[2]]
    }
    assert {"encoder.pos_conv.0.weight_g", "encoder.pos_conv.0.weight_v", "predictor.weight"} <= state.keys()
    save_file(state, tmp_path / "model.safetensors")
    front_end = create_front_end("beats", 2.0)
    waves = 0.1 * torch.randn(2, front_end.samples)
    network = create("beats", frames=front_end.frames, mels=128, classes=4, options=SMALL, weights=tmp_path).eval()
    expected = plain.extract_features(waves, torch.ones(2))[0].mean(1)
    torch.testing.assert_close(network.embed(front_end(waves)), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="of another shape"):
        create("beats", frames=198, mels=128, classes=4, options=SMALL | {"width": 128}, weights=tmp_path)


def test_gradients_decay_towards_earlier_blocks():
    torch.manual_seed(0)
    gradients = {}
    for decay in (1.0, 0.5):
        torch.manual_seed(0)
        network = create(
            "beats", frames=98, mels=128, classes=4, options=SMALL | {"gradient_decay": decay}, weights=None
        )
        network(torch.randn(2, 98, 128, generator=torch.Generator().manual_seed(1))).square().sum().backward()
        assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []
        gradients[decay] = {name: parameter.grad for name, parameter in network.named_parameters()}
    first = "encoder.post_extract_proj.weight"
    torch.testing.assert_close(gradients[0.5][first], 0.25 * gradients[1.0][first])
    torch.testing.assert_close(gradients[0.5]["head.weight"], gradients[1.0]["head.weight"])


@pytest.mark.long  # a process of its own imports torch and the library: 7 s
def test_importing_the_library_changes_no_process_settings():
    """Left to itself it switches TF32 on, and leaves modules behind that raise errors at whoever looks at them."""
    code = (
        "import sys, torch; from models.networks.registry import create; backends = torch.backends; "
        "state = lambda: (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark); "
        "backends.cudnn.allow_tf32 = False; backends.cudnn.benchmark = True; before = state(); "
        "create('beats', frames=98, mels=128, classes=4, options={'width': 64, 'depth': 1}, weights=None); "
        "assert before == state() == (False, False, True), state(); "
        "[getattr(module, '__file__', None) for module in [*sys.modules.values()]]"
    )
    environment = os.environ | {"SB_DISABLE_QUIRKS": ""}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
