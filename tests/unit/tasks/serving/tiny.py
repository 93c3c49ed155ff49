"""Export of a model without a network: the probabilities of a segment follow from its level, so each can be checked."""

import io
import json
from pathlib import Path

import numpy as np
import onnx
import soundfile
from onnx import TensorProto, helper, numpy_helper

from tasks.checks import usability

RATE, DURATION_S = 4000, 1.0
CLASSES = ["normal", "crackle", "wheeze", "both"]
SHARES = np.array([[0.0, 0.6, 0.3, 0.1]], np.float32)  # of the abnormal classes
CORPUS = {"name": "demo", "title": "Generated sounds", "generated": True}
BANNER = "This model learned from generated sounds: it says nothing about real lungs."
# Levels of seconds of noise that the model judges as normal, as uncertain, as crackle, as unlike, and not at all.
NORMAL, UNCERTAIN, CRACKLE, UNLIKE, SILENT = 0.1, 0.6, 0.8, 0.95, 0.0


def sound(*levels):
    """Return the bytes of a wav file with a second of noise of each level."""
    noise = np.random.default_rng(0).normal(0, 1, (len(levels), RATE))
    noise *= np.array(levels)[:, None] / 10 / np.abs(noise).mean(axis=1, keepdims=True)
    file = io.BytesIO()
    soundfile.write(file, noise.ravel(), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def probabilities(waveform):
    """Return the probabilities of a segment at `RATE`: the normal class loses ten times the mean absolute sample."""
    level = min(1.0, 10 * float(np.abs(waveform[: int(RATE * DURATION_S)]).mean()))
    return level * SHARES[0] + np.array([1 - level, 0, 0, 0])


def write(folder: Path, **entries) -> Path:
    """Write ``model.onnx`` and ``model.json``, with further entries of the card, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    card = {
        "format": 1,
        "id": "0123456789abcdef",
        "architecture": "none",
        "options": {},
        "frontend": "efficientat",
        "frames": 1,
        "mels": 1,
        "sample_rate": RATE,
        "duration_s": DURATION_S,
        "fade": False,
        "labels": "lungsound_4",
        "classes": CLASSES,
        "corpora": [CORPUS],
        "conformal": {"coverage": 0.9, "quantile": 0.7, "cycles": 100, "patients": 10},
        "quality_limits": vars(usability.DEFAULTS),
        "novelty": {"quantile": 0.99, "threshold": 9.0, "dimensions": 1},
    }
    (folder / "model.json").write_text(json.dumps(card | entries), encoding="utf-8")
    onnx.save(_model(), folder / "model.onnx")
    return folder


def _model() -> onnx.ModelProto:
    constants = {
        "one": np.array([1], np.int64),
        "ten": np.array([10], np.float32),
        "shares": SHARES,
        "certain": np.array([[1, 0, 0, 0]], np.float32),
        "samples": np.array([int(RATE * DURATION_S)], np.int64),
        "zero": np.array([0], np.int64),
    }
    nodes = [
        helper.make_node("Slice", ["waveform", "zero", "samples", "one"], ["clip"]),
        helper.make_node("Abs", ["clip"], ["absolute"]),
        helper.make_node("ReduceSum", ["absolute", "one"], ["sum"], keepdims=1),
        helper.make_node("Min", ["lengths", "samples"], ["counted"]),
        helper.make_node("Cast", ["counted"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["count", "one"], ["counts"]),
        helper.make_node("Div", ["sum", "counts"], ["mean"]),
        helper.make_node("Mul", ["mean", "ten"], ["loud"]),
        helper.make_node("Clip", ["loud", "lowest", "highest"], ["level"]),
        helper.make_node("Sub", ["shares", "certain"], ["change"]),
        helper.make_node("Mul", ["level", "change"], ["changes"]),
        helper.make_node("Add", ["changes", "certain"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["decision"], axis=1, keepdims=0),
        helper.make_node("Identity", ["level"], ["embedding"]),
        helper.make_node("Mul", ["level", "ten"], ["scaled"]),
        helper.make_node("Squeeze", ["scaled", "one"], ["distance"]),
    ]
    bounds = {"lowest": np.array(0, np.float32), "highest": np.array(1, np.float32)}
    made = [numpy_helper.from_array(value, name) for name, value in (constants | bounds).items()]
    value = helper.make_tensor_value_info
    inputs = [value("waveform", TensorProto.FLOAT, ["batch", "time"]), value("lengths", TensorProto.INT64, ["batch"])]
    outputs = [
        value("probabilities", TensorProto.FLOAT, ["batch", 4]),
        value("decision", TensorProto.INT64, ["batch"]),
        value("embedding", TensorProto.FLOAT, ["batch", 1]),
        value("distance", TensorProto.FLOAT, ["batch"]),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model
