"""ONNX files of waveform networks: the same bytes for the same network, checked against PyTorch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from models.export.assembly import exportable
from models.export.waveform_network import WaveformNetwork
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    import onnx
    import onnxruntime

OPSET = 18
TOLERANCE = 1e-4  # largest difference of a probability between onnxruntime and PyTorch
PRODUCER = "breathline"
LONG = 1024  # elements
Waveforms = Sequence[npt.NDArray[np.float32]]


def write(path: Path, network: WaveformNetwork, metadata: Mapping[str, str]) -> None:
    """Write the ONNX file of a waveform network.

    Batch and time are dynamic. The file holds no paths, dates and traces.

    Args:
        path: Path of the file.
        network: Waveform network.
        metadata: Texts that the file itself carries, by name, such as the sample rate.
    """
    prepared = exportable(network)
    front_end = network.front_end
    waveform = torch.zeros(2, front_end.samples + 2)
    arguments: tuple[torch.Tensor, ...] = (waveform, torch.tensor([front_end.samples + 2, 3]))
    batch, time = torch.export.Dim("batch"), torch.export.Dim("time")
    shapes: dict[str, dict[int, Any]] = {"waveform": {0: batch, 1: time}, "lengths": {0: batch}}
    if network.normalized:
        arguments += (torch.zeros(2, front_end.mels),)
        shapes["offsets"] = {0: batch}
    with _quiet():
        program = torch.onnx.export(
            prepared,
            arguments,
            dynamo=True,
            opset_version=OPSET,
            input_names=network.input_names,
            output_names=network.output_names,
            dynamic_shapes=shapes,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise BreathlineError(
            "torch.onnx gave no graph.", where=path, hint="report the architecture and torch's version"
        )
    model = program.model_proto
    _clean(model, metadata)
    _compute_ranges(model.graph)
    with files.replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def check(path: Path, network: WaveformNetwork, waveforms: Waveforms | None = None) -> dict[str, float]:
    """Compare an ONNX file with PyTorch, and return the largest difference of each output.

    Differences of embeddings, distances and means are relative to the largest value, if it is above 1.

    Args:
        path: Path of the ONNX file.
        network: Waveform network that the file was made of.
        waveforms: Cycles at the front end's rate; by default, noise, a tone, and a cycle of a few samples.

    Raises:
        BreathlineError: A difference is larger than `TOLERANCE`.
    """
    given = stacked(list(probes(network)) if waveforms is None else list(waveforms))
    if network.normalized:
        given["offsets"] = np.zeros((len(given["lengths"]), network.front_end.mels), dtype=np.float32)
    with torch.inference_mode():
        expected = network(*(torch.from_numpy(given[name]) for name in network.input_names))
    found = session(path).run(list(network.output_names), given)
    differences = {
        name: _difference(name, np.asarray(one), other.numpy())
        for name, one, other in zip(network.output_names, found, expected, strict=True)
    }
    name, worst = max(differences.items(), key=lambda item: item[1])
    if not worst <= TOLERANCE:  # NaN, too
        raise BreathlineError(
            f"onnxruntime and PyTorch differ by {worst:.2g} in the output `{name}`; at most {TOLERANCE:g} is allowed.",
            where=path,
            hint="report the architecture and the versions of torch and onnxruntime; `breathline predict "
            "--engine torch` works without the ONNX file",
        )
    return differences


def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Return a session of onnxruntime on the CPU.

    Args:
        path: Path of the ONNX file.
        threads: Number of threads of one operation.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def stacked(waveforms: Waveforms) -> dict[str, npt.NDArray[Any]]:
    """Return the inputs `waveform` and `lengths` of cycles of different lengths."""
    lengths = np.array([len(waveform) for waveform in waveforms], dtype=np.int64)
    batch = np.zeros((len(waveforms), lengths.max(initial=1)), dtype=np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return {"waveform": batch, "lengths": lengths}


def probes(network: WaveformNetwork) -> Waveforms:
    """Return generated cycles for a comparison: shorter than a clip, as long, longer, and a few samples only."""
    samples, rate = network.front_end.samples, network.front_end.sample_rate
    random = np.random.default_rng(0)

    def noise(length: int) -> npt.NDArray[np.float32]:
        return (0.1 * random.standard_normal(length)).astype(np.float32)

    tone = np.sin(np.arange(samples) * (2 * np.pi * 440 / rate), dtype=np.float32)
    return [noise(samples // 3), tone * np.float32(0.5), noise(samples + samples // 2), noise(5), noise(samples - 1)]


def _difference(name: str, found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """Return the largest difference of an output: absolute for probabilities, else relative to values above 1."""
    if name == "decision":
        return 0.0  # follows from the probabilities, which may be equal for two classes
    scale = 1.0 if name == "probabilities" else max(1.0, float(np.abs(expected).max(initial=0)))
    return float(np.abs(found.astype(np.float64) - expected).max(initial=0)) / scale


def _clean(model: onnx.ModelProto, metadata: Mapping[str, str]) -> None:
    """Remove traces of the code and of this machine from a model, and add metadata."""
    graph = model.graph
    del graph.value_info[:]  # types of intermediate values, which every runtime derives
    for message in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *model.functions):
        message.ClearField("doc_string")
        message.ClearField("metadata_props")
    graph.name, model.producer_name = PRODUCER, PRODUCER
    model.ClearField("producer_version")
    for key, value in sorted(metadata.items()):
        model.metadata_props.add(key=key, value=value)


def _compute_ranges(graph: onnx.GraphProto) -> None:
    """Let the graph compute long lists 0, 1, 2, … which the exporter stores: 8 bytes for each sample of a clip."""
    from onnx import helper, numpy_helper

    stored = [tensor for tensor in graph.initializer if len(tensor.dims) == 1 and tensor.dims[0] >= LONG]
    for tensor in stored:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.int64 or not np.array_equal(values, np.arange(len(values))):
            continue
        names = [f"{tensor.name}_{end}" for end in ("start", "limit", "step")]
        graph.initializer.remove(tensor)
        for name, value in zip(names, (0, len(values), 1), strict=True):
            graph.initializer.append(numpy_helper.from_array(np.array(value), name))
        graph.node.insert(0, helper.make_node("Range", names, [tensor.name], name=f"node_{tensor.name}"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes on its own progress off the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
