"""TorchScript files, and programs of `torch.export`, of waveform networks."""

import io
import warnings
import zipfile
from pathlib import Path

import torch

from models.export.assembly import exportable
from models.export.waveform_network import WaveformNetwork
from tasks.exporting import onnx_file
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError

TORCHSCRIPT, PROGRAM = "model.pt", "model.pt2"


def write_torchscript(path: Path, network: WaveformNetwork) -> None:
    """Write a TorchScript file, and compare it with the network.

    PyTorch has deprecated TorchScript in favour of `torch.export`; current versions still write and read it.

    Args:
        path: Path of the file.
        network: Waveform network.

    Raises:
        BreathlineError: The file gives other outputs than the network.
    """
    arguments = onnx_file.example(network)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the deprecation, and notes on sizes that depend on the length of clips alone
        traced = torch.jit.trace(exportable(network), arguments, check_trace=False)  # type: ignore[no-untyped-call]
        content = io.BytesIO()
        torch.jit.save(torch.jit.freeze(traced), content)
        with files.replacing(path) as temporary:
            _write_without_traces(temporary, content)
        _check(path, network, torch.jit.load(path))  # type: ignore[no-untyped-call]


def write_program(path: Path, network: WaveformNetwork) -> None:
    """Write a program of `torch.export` with dynamic batch and time, and compare it with the network.

    Args:
        path: Path of the file.
        network: Waveform network.

    Raises:
        BreathlineError: The file gives other outputs than the network.
    """
    program = torch.export.export(
        exportable(network), onnx_file.example(network), dynamic_shapes=onnx_file.dynamic_shapes(network)
    )
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # paths of this machine
    content = io.BytesIO()
    torch.export.save(program, content)
    with files.replacing(path) as temporary:
        temporary.write_bytes(content.getvalue())
    _check(path, network, torch.export.load(path).module())


def _write_without_traces(path: Path, content: io.BytesIO) -> None:
    """Write a TorchScript archive without its lists of source lines, which hold paths of this machine."""
    with zipfile.ZipFile(content) as given, zipfile.ZipFile(path, "w") as kept:
        for entry in given.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(entry.filename), given.read(entry))


def _check(path: Path, network: WaveformNetwork, loaded: torch.nn.Module) -> None:
    given = onnx_file.stacked(onnx_file.probes(network))
    arguments = [torch.from_numpy(given[name]) for name in ("waveform", "lengths")]
    if network.normalized:
        arguments.append(torch.full((len(arguments[1]), network.front_end.mels), 0.1))
    with torch.no_grad():
        found = loaded(*arguments)[0]
        # Of the same features: in float16, a few differ in the last digit.
        expected = network.judge(exportable(network).features(*arguments[:2]), *arguments[2:])[0]
    worst = float((found - expected).abs().max())
    if not worst <= onnx_file.TOLERANCE:
        raise BreathlineError(
            f"The file and the network differ by {worst:.2g} in `probabilities`; at most {onnx_file.TOLERANCE:g} is "
            "allowed.",
            where=path,
            hint="report the architecture and torch's version",
        )
