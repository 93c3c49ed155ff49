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
from torch import Tensor

from models.export.assembly import exportable
from models.export.waveform_network import WaveformNetwork
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    import onnx
    import onnxruntime

OPSET = 18
TOLERANCE = 1e-4  # largest difference between onnxruntime and PyTorch for the same features
# Features are rounded to float16. The last digit of float32, which differs between any two programs, decides for a few
# of a thousand of them whether they are rounded up or down.
MOVED = 0.02  # share of features that may differ, each by one digit of float16
NEAR_ZERO = 1e-3  # difference that features may have besides: sums of large numbers that are nearly zero
PRODUCER = "breathline"
LONG = 1024  # elements
OUTPUT = "output."  # before the names of outputs while a graph is written: values within have names such as `embedding`
Waveforms = Sequence[npt.NDArray[np.float32]]


def write(path: Path, network: WaveformNetwork, metadata: Mapping[str, str]) -> None:
    """Write the ONNX file of a waveform network.

    Batch and time are dynamic. The file holds no paths, dates and traces.

    Args:
        path: Path of the file.
        network: Waveform network.
        metadata: Texts that the file itself carries, by name, such as the sample rate.
    """
    with _quiet():
        program = torch.onnx.export(
            exportable(network),
            example(network),
            dynamo=True,
            opset_version=OPSET,
            input_names=network.input_names,
            output_names=[OUTPUT + name for name in network.output_names],
            dynamic_shapes=dynamic_shapes(network),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise BreathlineError(
            "torch.onnx gave no graph.", where=path, hint="report the architecture and torch's version"
        )
    model = program.model_proto
    clean(model, metadata)
    _name_outputs(model.graph)
    _compute_ranges(model.graph)
    with files.replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def example(network: WaveformNetwork) -> tuple[Tensor, ...]:
    """Return example inputs of a waveform network: two cycles of other lengths than its clips."""
    front_end = network.front_end
    length = front_end.samples + 2
    inputs = (torch.zeros(2, length), torch.tensor([length, length // 2]))
    return (*inputs, torch.zeros(2, front_end.mels)) if network.normalized else inputs


def dynamic_shapes(network: WaveformNetwork) -> dict[str, Any]:
    """Return the dimensions that may differ from those of the example, by input."""
    batch, time = torch.export.Dim("batch"), torch.export.Dim("time")
    shapes: dict[str, Any] = {"waveform": {0: batch, 1: time}, "lengths": {0: batch}}
    return shapes | ({"offsets": {0: batch}} if network.normalized else {})


def check(path: Path, network: WaveformNetwork, waveforms: Waveforms | None = None) -> dict[str, float]:
    """Compare an ONNX file with PyTorch, and return the largest difference of each output.

    Features may differ by one digit of float16, and outputs for these features by `TOLERANCE`. Differences of
    embeddings, distances and means are relative to the largest value, if it is above 1.

    Args:
        path: Path of the ONNX file.
        network: Waveform network that the file was made of.
        waveforms: Cycles at the front end's rate; by default, noise of several lengths.

    Raises:
        BreathlineError: A difference is larger; the error names the output.
    """
    given = stacked(probes(network) if waveforms is None else waveforms)
    offsets = None
    if network.normalized:
        given["offsets"] = np.full((len(given["lengths"]), network.front_end.mels), 0.1, dtype=np.float32)
        offsets = torch.from_numpy(given["offsets"])
    found, features = run_with_features(path, given, network.output_names)
    with torch.inference_mode():
        wanted = network.features(torch.from_numpy(given["waveform"]), torch.from_numpy(given["lengths"])).numpy()
        expected = network.judge(torch.from_numpy(features), offsets)
    if (moved := share_moved(features, wanted)) > MOVED:
        raise _differ(path, "the features", f"for {moved:.0%} of the values", f"{MOVED:.0%}")
    differences = {
        name: _difference(name, one, other.numpy())
        for name, one, other in zip(network.output_names, found, expected, strict=True)
    }
    for name, difference in differences.items():
        if not difference <= TOLERANCE:  # NaN, too
            raise _differ(path, f"`{name}`", f"by {difference:.2g}", f"{TOLERANCE:g}")
    return differences


def run_with_features(
    path: Path, given: Mapping[str, npt.NDArray[Any]], names: Sequence[str]
) -> tuple[list[npt.NDArray[Any]], npt.NDArray[np.float16]]:
    """Return the outputs of an ONNX file, and the features within it."""
    import onnx

    model = onnx.load(path)
    rounded = features_name(model)
    model.graph.output.append(onnx.helper.make_tensor_value_info(rounded, onnx.TensorProto.FLOAT16, None))
    *found, features = session(model.SerializeToString()).run([*names, rounded], given)
    return found, features


def features_name(model: onnx.ModelProto) -> str:
    """Return the name of the features, the only values of a model that are rounded to float16."""
    from onnx import TensorProto

    casts = (node for node in model.graph.node if node.op_type == "Cast")
    [name] = [node.output[0] for node in casts if node.attribute[0].i == TensorProto.FLOAT16]
    return str(name)


def share_moved(found: npt.NDArray[np.float16], expected: npt.NDArray[np.float16]) -> float:
    """Return the share of features that differ; 1 if one differs by more than a digit and `NEAR_ZERO`."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return 1.0
    beyond = np.abs(found.astype(np.float64) - expected) > np.spacing(np.abs(expected)) + NEAR_ZERO
    return 1.0 if beyond.any() else float((found != expected).mean())


def _differ(path: Path, what: str, by: str, allowed: str) -> BreathlineError:
    return BreathlineError(
        f"onnxruntime and PyTorch differ in {what} {by}; at most {allowed} is allowed.",
        where=path,
        hint="`onnx: false` under `export` in params.yaml leaves this file out; report the architecture, and the "
        "versions of torch and onnxruntime",
    )


def session(model: Path | bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    """Return a session of onnxruntime on the CPU.

    Args:
        model: Path of the ONNX file, or its content.
        threads: Number of threads of one operation.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def stacked(waveforms: Waveforms) -> dict[str, npt.NDArray[Any]]:
    """Return the inputs `waveform` and `lengths` of cycles of different lengths."""
    lengths = np.array([len(waveform) for waveform in waveforms], dtype=np.int64)
    batch = np.zeros((len(waveforms), lengths.max(initial=1)), dtype=np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return {"waveform": batch, "lengths": lengths}


def probes(network: WaveformNetwork) -> Waveforms:
    """Return generated cycles for a comparison: shorter than a clip, as long, and longer.

    They are noise. In a pure tone, most mel bins hold nothing but the rounding of the computation.
    """
    samples, random = network.front_end.samples, np.random.default_rng(0)
    levels = {samples // 10: 0.01, samples // 3: 0.1, samples - 1: 0.3, samples: 0.03, samples + samples // 2: 0.1}
    return [(level * random.standard_normal(length)).astype(np.float32) for length, level in levels.items()]


def _difference(name: str, found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """Return the largest difference of an output: absolute for probabilities, else relative to values above 1."""
    if name == "decision":
        return 0.0  # follows from the probabilities, which may be equal for two classes
    scale = 1.0 if name == "probabilities" else max(1.0, float(np.abs(expected).max(initial=0)))
    return float(np.abs(found.astype(np.float64) - expected).max(initial=0)) / scale


def clean(model: onnx.ModelProto, metadata: Mapping[str, str]) -> None:
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


def _name_outputs(graph: onnx.GraphProto) -> None:
    """Give the outputs their names, and another name to the values within the graph that have one of these."""
    outputs = {one.name: one.name.removeprefix(OUTPUT) for one in graph.output}
    names = {name: f"{name}.within" for name in outputs.values()} | outputs
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(name, name) for name in values]
    for one in graph.output:
        one.name = outputs[one.name]


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
