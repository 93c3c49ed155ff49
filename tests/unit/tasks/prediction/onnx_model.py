"""An export whose ONNX file was made by hand: probabilities follow from the level of a waveform."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from tasks.checks import usability

CARD = {
    "format": 1,
    "id": "0123456789abcdef",
    "architecture": "ast",
    "frontend": "ast",
    "labels": "lungsound_4",
    "classes": ["normal", "crackle", "wheeze", "both"],
    "sample_rate": 16_000,
    "duration_s": 1.0,
    "fade": True,
    "mels": 128,
    "corpora": [{"name": "demo", "title": "Demo", "generated": True, "sample_rates": {"4000": 240}}],
    "quality_limits": asdict(usability.DEFAULTS),
    "novelty": {"quantile": 0.99, "threshold": 3.0, "dimensions": 2},
}


def write(folder: Path, inputs: tuple[str, ...] = ("waveform", "lengths"), **changed: Any) -> Path:
    """Write the folder of an export, and return it.

    Args:
        folder: The folder.
        inputs: Names of the inputs of the network.
        changed: Facts of the card that differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps({**CARD, **changed}))
    shares = numpy_helper.from_array(np.array([[-1, 0.75, 0.25, 0]], dtype=np.float32), "shares")
    base = numpy_helper.from_array(np.array([[1, 0, 0, 0]], dtype=np.float32), "base")
    ten = numpy_helper.from_array(np.array(10, dtype=np.float32), "ten")
    axes = numpy_helper.from_array(np.array([1]), "axes")
    nodes = [
        helper.make_node("Abs", [inputs[0]], ["absolute"]),
        helper.make_node("ReduceMean", ["absolute", "axes"], ["level"], keepdims=1),
        helper.make_node("Mul", ["level", "shares"], ["scaled"]),
        helper.make_node("Add", ["scaled", "base"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["decision"], axis=1, keepdims=0),
        helper.make_node("Concat", ["level", "level"], ["embedding"], axis=1),
        helper.make_node("Mul", ["level", "ten"], ["tenfold"]),
        helper.make_node("Squeeze", ["tenfold", "axes"], ["distance"]),
    ]
    kinds = {"lengths": (TensorProto.INT64, ["batch"])}
    found = [
        helper.make_tensor_value_info(name, *kinds.get(name, (TensorProto.FLOAT, ["batch", "time"]))) for name in inputs
    ]
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 4]),
        helper.make_tensor_value_info("decision", TensorProto.INT64, ["batch"]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 2]),
        helper.make_tensor_value_info("distance", TensorProto.FLOAT, ["batch"]),
    ]
    graph = helper.make_graph(nodes, "level", found, outputs, [shares, base, ten, axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    save(model, folder / "model.onnx")
    return folder
