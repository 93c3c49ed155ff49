"""ONNX files: equal to PyTorch for every front end, with dynamic batch and time, and equal bytes."""

import re

import numpy as np
import onnx
import pytest

from models.export.assembly import assemble
from models.frontends.registry import sample_rates
from tasks.exporting import onnx_file
from tasks.prediction.engines.onnx import OnnxEngine
from tasks.prediction.facts import ModelFacts
from tasks.runtime.errors import BreathlineError
from tests.unit.models.export import cards
from tests.unit.models.export.linear_network import waveform_network

LARGE = {"beats", "clap", "panns"}  # front ends whose graphs take several seconds to export
POOLING = {"windows": "attention", "window_s": 2.0, "hop_s": 1.0}
MEAN_POOLING = {**POOLING, "windows": "mean"}
FAMILIES = [  # front end, architecture, options and more of a card
    ("ast", "ast", {}, {}),
    ("ast", "ast", {"size": "small", "pad_frames": 1024}, {"normalized": True}),
    ("ast", "ast", {"size": "tiny", "stride": 16, "distilled": False, "pool": "mean", "head_norm": False}, {}),
    ("ast", "ast", {"size": "tiny", "pooling": POOLING}, {"pad": "zero"}),
    ("ast", "ssast", {"size": "base", "stride": 10}, {}),
    ("ast", "ssast", {"kind": "frame", "size": "tiny", "stride": [128, 1], "task": "ft_cls"}, {"threshold": 0.3}),
    ("panns", "cnn6", {"pooling": MEAN_POOLING}, {}),
    ("panns", "cnn10", {}, {"heads": cards.HEADS}),
    ("panns", "cnn14", {}, {}),
    ("efficientat", "mn", {"width": 0.4}, {}),
    ("efficientat", "mn", {"width": 1.0, "pooling": POOLING}, {"heads": cards.HEADS, "normalized": True}),
    ("fbank", "mn", {"width": 0.4}, {}),
    ("fbank", "resnet10", {}, {"heads": cards.HEADS}),
    ("fbank", "timm/test_resnet", {"width": 0.35}, {"pad": "zero"}),
    ("fbank", "timm/resnet18", {}, {"normalized": True}),
    ("fbank", "timm/efficientnet_b0", {}, {}),
    ("fbank", "timm/convnext_atto", {}, {"fade": False}),
    ("fbank", "timm/regnety_002", {}, {}),
    ("fbank", "timm/mobilenetv3_small_050", {}, {}),
    ("fbank", "timm/test_byobnet", {}, {}),
    ("fbank", "timm/test_nfnet", {}, {}),
    ("beats", "beats", {}, {"threshold": 0.3}),
    ("clap", "clap", {}, {}),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a function that gives the network and the ONNX file of a front end, made once."""
    made = {}

    def export(frontend):
        if frontend not in made:
            network = waveform_network(frontend)
            path = tmp_path_factory.mktemp("onnx") / "model.onnx"
            onnx_file.write(path, network, {"sample_rate": str(network.front_end.sample_rate)})
            made[frontend] = network, path
        return made[frontend]

    return export


@pytest.mark.slow
@pytest.mark.parametrize(
    "frontend",
    [
        pytest.param(name, marks=pytest.mark.long) if name in LARGE else name
        for name in sorted(sample_rates().keys() - {"ast"})  # `fbank` contains `ast`
    ],
)
def test_onnxruntime_gives_what_pytorch_gives(exported, frontend):
    network, path = exported(frontend)
    assert set(onnx_file.check(path, network)) == set(network.output_names)
    random = np.random.default_rng(1)
    cycles = [random.normal(0, 0.1, length).astype(np.float32) for length in (3_001, 50_000, 1_600, 19_200, 7_000)]
    onnx_file.check(path, network, cycles[:1])  # one cycle, and more cycles and samples than were traced
    onnx_file.check(path, network, cycles)


@pytest.mark.long
@pytest.mark.parametrize(("frontend", "architecture", "options", "more"), FAMILIES)
def test_every_family_of_architectures_is_exported_at_full_size(tmp_path, frontend, architecture, options, more):
    network = assemble(*cards.model(frontend, architecture, options, duration_s=8.0, novelty=True, **more))
    onnx_file.write(tmp_path / "model.onnx", network, {})
    onnx_file.check(tmp_path / "model.onnx", network)


@pytest.mark.slow
def test_a_file_states_its_opset_and_holds_nothing_of_the_code_or_machine(exported):
    network, path = exported("fbank")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", onnx_file.OPSET)]
    assert {one.key: one.value for one in model.metadata_props} == {"sample_rate": "16000"}
    assert [one.name for one in model.graph.input] == list(network.input_names)
    assert [one.name for one in model.graph.output] == list(network.output_names)
    assert [one.type.tensor_type.shape.dim[0].dim_param for one in model.graph.output] == ["batch"] * 5
    del model.graph.initializer[:]
    texts = re.findall(rb"[ -~]{4,}", model.SerializeToString())
    assert not [text for text in texts if re.search(rb"\.py|/|File|torch|\d{4}-\d\d", text)]


@pytest.mark.slow
def test_equal_networks_give_equal_bytes_and_other_weights_others(exported, tmp_path):
    network, path = exported("panns")
    again, other = tmp_path / "again.onnx", tmp_path / "other.onnx"
    onnx_file.write(again, waveform_network("panns"), {"sample_rate": "32000"})
    assert again.read_bytes() == path.read_bytes()
    model = onnx.load(path)
    [bias] = [one for one in model.graph.initializer if one.name == "network.head.bias"]
    bias.raw_data = np.ones(4, np.float32).cumsum(dtype=np.float32).tobytes()
    onnx.save(model, other)
    with pytest.raises(BreathlineError, match=r"differ in `probabilities` by 0\.\d+; at most 0.0001") as error:
        onnx_file.check(other, network)
    assert str(error.value.where) == str(other)


@pytest.mark.slow
def test_long_lists_of_positions_are_computed_and_not_stored(exported):
    _, path = exported("efficientat")
    stored = [one for one in onnx.load(path).graph.initializer if one.data_type == onnx.TensorProto.INT64]
    assert max(np.prod(one.dims, initial=1) for one in stored) < 100


@pytest.mark.parametrize("where", ["secret.bin", "../secret.bin", "link.bin", "/etc/passwd"])
def test_the_weights_of_a_file_cannot_lie_outside_of_its_folder(exported, tmp_path, monkeypatch, where):
    """The engine of predictions opens files by their path, too; of bytes, onnxruntime would read the current folder."""
    _, path = exported("efficientat")
    model = onnx.load(path)
    folder, elsewhere = tmp_path / "model", tmp_path / "elsewhere"
    for one in (folder, elsewhere):
        one.mkdir()
    for secret in (tmp_path / "secret.bin", elsewhere / "secret.bin"):
        secret.write_bytes(bytes(10_000_000))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    monkeypatch.chdir(elsewhere)
    tensor = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=where)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    facts = ModelFacts.from_card(
        {"architecture": "mn", "frontend": "ast", "labels": "x", "classes": ["a"], "duration_s": 1.0}
    )
    with pytest.raises(BreathlineError, match=r"cannot load the network: .*[Ee]xternal"):
        OnnxEngine(folder, facts)
