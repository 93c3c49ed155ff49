"""Quantisation of ONNX files: weights of 8 bits, and with calibration also activations of 8 bits."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tasks.exporting import onnx_file
from tasks.runtime import files

Method = Literal["dynamic", "static"]
METHODS: tuple[Method, Method] = ("dynamic", "static")
# Convolutions of a dynamic quantisation are slower than those in float32.
OPERATIONS: dict[Method, list[str]] = {"dynamic": ["MatMul", "Gemm"], "static": ["Conv", "MatMul", "Gemm"]}
Given = Mapping[str, npt.NDArray[Any]]


def write(path: Path, source: Path, method: Method, calibration: Iterable[Given]) -> int:
    """Write the quantised version of an ONNX file, and return the number of quantised operations.

    The front end, the softmax and the novelty distance stay as they are. ``dynamic``: weights of linear layers, whose
    activations are scaled at each use. ``static``: weights of convolutions and linear layers, and their activations
    with fixed scales. If there is nothing to quantise, no file is written.

    Args:
        path: Path of the quantised file.
        source: Path of the ONNX file.
        method: Method of quantisation.
        calibration: Inputs of cycles by which the method `static` chooses the scales.
    """
    import onnx
    from onnxruntime import quantization

    nodes = network_nodes(onnx.load(source), OPERATIONS[method])
    if not nodes:
        return 0
    shared: dict[str, Any] = {
        "op_types_to_quantize": OPERATIONS[method],
        "nodes_to_quantize": nodes,
        "per_channel": True,
        "weight_type": quantization.QuantType.QInt8,
    }
    logging.getLogger().addFilter(_without_advice)
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / path.name
            if method == "dynamic":
                quantization.quantize_dynamic(source, made, **shared)
            else:
                quantization.quantize_static(
                    source,
                    made,
                    _reader(calibration),
                    activation_type=quantization.QuantType.QUInt8,
                    quant_format=quantization.QuantFormat.QDQ,
                    **shared,
                )
            model = onnx.load(made)
    finally:
        logging.getLogger().removeFilter(_without_advice)
    onnx_file.clean(model, {one.key: one.value for one in onnx.load(source).metadata_props})
    with files.replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
    return len(nodes)


def network_nodes(model: Any, operations: Iterable[str]) -> list[str]:
    """Return the names of the nodes of some operations between the features and the embedding.

    Args:
        model: ONNX model of a waveform network.
        operations: Operations, such as `Conv`.
    """
    made_by = {output: node for node in model.graph.node for output in node.output}

    def above(name: str) -> set[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            node = made_by.get(waiting.pop())
            if node is not None and node.name not in found:
                found.add(node.name)
                waiting.extend(node.input)
        return found

    wanted = above("embedding") - above(onnx_file.features_name(model))
    return [node.name for node in model.graph.node if node.name in wanted and node.op_type in set(operations)]


def _reader(inputs: Iterable[Given]) -> Any:
    """Return the reader of calibration inputs that onnxruntime takes."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._waiting: Iterator[Given] = iter(inputs)

        def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
            given = next(self._waiting, None)
            return None if given is None else {name: np.asarray(value) for name, value in given.items()}

    return Reader()


def _without_advice(record: logging.LogRecord) -> bool:
    """Return whether a log record is none of onnxruntime's advice to prepare a model, which is prepared already."""
    return "pre-process" not in record.getMessage()
