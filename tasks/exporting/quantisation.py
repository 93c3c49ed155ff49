"""Quantisation of ONNX files: weights of 8 bits, and with two of the methods also activations of 8 bits."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from tasks.exporting import onnx_file
from tasks.runtime import files

if TYPE_CHECKING:
    import onnx

Method = Literal["weights", "dynamic", "static"]
METHODS: tuple[Method, ...] = ("weights", "dynamic", "static")
ALL = ["Conv", "MatMul", "Gemm"]
# Convolutions of a dynamic quantisation are slower than those in float32.
OPERATIONS: dict[Method, list[str]] = {"weights": ALL, "dynamic": ["MatMul", "Gemm"], "static": ALL}
LEAST = 1024  # elements of a weight; smaller ones save nothing
Given = Mapping[str, npt.NDArray[Any]]


def write(path: Path, source: Path, method: Method, calibration: Iterable[Given]) -> int:
    """Write the quantised version of an ONNX file, and return the number of quantised operations.

    The front end, convolutions of each channel by itself, the softmax and the novelty distance stay as they are.
    ``weights``: weights of 8 bits, for a smaller file; the computation is in float32. ``dynamic``: linear layers in 8
    bits, whose activations are scaled at each use. ``static``: convolutions, too, and activations with fixed scales.
    If there is nothing to quantise, no file is written.

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
    if method == "weights":
        model = onnx.load(source)
        _store_in_8_bits(model, set(nodes))
        _save(path, model, source)
        return len(nodes)
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
    _save(path, model, source)
    return len(nodes)


def set_id(path: Path, model_id: str) -> None:
    """Write the id of a model into the metadata of its ONNX file."""
    import onnx

    model = onnx.load(path)
    onnx_file.clean(model, {one.key: one.value for one in model.metadata_props} | {"id": model_id})
    with files.replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def _save(path: Path, model: onnx.ModelProto, source: Path) -> None:
    """Write a model with the metadata of the file that it was made of, and no others."""
    import onnx

    onnx_file.clean(model, {one.key: one.value for one in onnx.load(source).metadata_props})
    with files.replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def _store_in_8_bits(model: onnx.ModelProto, names: Container[str]) -> None:
    """Store the weights of nodes in 8 bits, with one scale for each output channel, and restore them when loaded.

    Args:
        model: ONNX model, which is changed.
        names: Names of the nodes.
    """
    from onnx import helper, numpy_helper

    stored = {one.name: one for one in model.graph.initializer}
    for node in [one for one in model.graph.node if one.name in names]:
        tensor = stored.pop(node.input[1], None)  # None: computed, or stored already
        if tensor is None or np.prod(tensor.dims) < LEAST:
            continue
        weights = numpy_helper.to_array(tensor)
        axis = 0 if node.op_type == "Conv" or _is_transposed(node) else weights.ndim - 1
        others = tuple(index for index in range(weights.ndim) if index != axis)
        scales = np.maximum(np.abs(weights).max(axis=others), np.finfo(np.float32).tiny) / np.float32(127)
        shape = [-1 if index == axis else 1 for index in range(weights.ndim)]
        rounded = np.round(weights / scales.reshape(shape)).clip(-127, 127).astype(np.int8)
        parts = (f"{tensor.name}.int8", f"{tensor.name}.scale")
        model.graph.initializer.remove(tensor)
        for name, value in zip(parts, (rounded, scales), strict=True):
            model.graph.initializer.append(numpy_helper.from_array(value, name))
        restore = helper.make_node("DequantizeLinear", parts, [tensor.name], name=f"restore.{tensor.name}", axis=axis)
        model.graph.node.insert(0, restore)


def _is_transposed(node: onnx.NodeProto) -> bool:
    """Return whether a `Gemm` has its weights as (output, input)."""
    return any(one.name == "transB" and one.i for one in node.attribute)


def _is_depthwise(node: onnx.NodeProto) -> bool:
    """Return whether a convolution works on groups of channels: few weights, for which 8 bits cost much."""
    return any(one.name == "group" and one.i > 1 for one in node.attribute)


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
    return [
        node.name
        for node in model.graph.node
        if node.name in wanted and node.op_type in set(operations) and not _is_depthwise(node)
    ]


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
