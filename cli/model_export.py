"""Command group `breathline export`: folders with a model, for use without this project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column

from cli import loaded_model
from cli.command_groups import new_group
from cli.options import EXAMPLES
from cli.output import table
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from tasks.exporting.portable import Format

app = new_group(
    help="Write a model in one format, as a folder that is complete in itself.",
    epilog=EXAMPLES["export"],
)
Model = Annotated[
    str | None,
    typer.Argument(
        help="student@v1.2.0, student#production, student (the newest version), a Git revision, or a folder; default: "
        "the newest version, or without versions the model trained last",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(help="new folder to write", file_okay=False)]
Seed = Annotated[int | None, typer.Option(help="seed of the model; default: the lowest")]
Int8 = Annotated[
    bool, typer.Option("--int8", help="Store weights in 8 bits, measure the cost in Score, and keep the full network.")
]


@app.command(epilog=EXAMPLES["export onnx"])
def onnx(model: Model = None, *, out: Out, seed: Seed = None, int8: Int8 = False) -> None:
    """Write an ONNX file: waveforms in, probabilities, decision and embedding out.

    The front end is inside; batch and length of the waveforms are free. The file is compared with PyTorch.
    `use.py` beside it predicts recordings with numpy, soundfile and onnxruntime alone. `--int8` needs the
    project that trained the model: its validation and test cycles measure the cost.
    """
    _export("onnx", model, out, seed, int8=int8)


@app.command(epilog=EXAMPLES["export torchscript"])
def torchscript(model: Model = None, *, out: Out, seed: Seed = None) -> None:
    """Write TorchScript (`model.pt`), and beside it a program of `torch.export` (`model.pt2`).

    PyTorch has deprecated TorchScript in favour of `torch.export`. Both files run without Breathline.
    """
    _export("torchscript", model, out, seed)


@app.command(epilog=EXAMPLES["export safetensors"])
def safetensors(model: Model = None, *, out: Out, seed: Seed = None) -> None:
    """Write the weights as a safetensors file, with the card that tells how to build the network."""
    _export("safetensors", model, out, seed)


@app.command(epilog=EXAMPLES["export hf"])
def hf(model: Model = None, *, out: Out, seed: Seed = None, int8: Int8 = False) -> None:
    """Write the layout of a model repository of the Hugging Face Hub; nothing is uploaded.

    It holds the weights, the ONNX file, `config.json`, `preprocessor_config.json`, and a card with metadata.
    """
    _export("hf", model, out, seed, int8=int8)


def _export(kind: Format, model: str | None, out: Path, seed: int | None, *, int8: bool = False) -> None:
    """Write the folder of a model in one format, and print its files."""
    console = make_console(highlight=False)
    _require_empty(out)
    folder, label, origin = loaded_model.find(model, seed, console)
    with console.status(f"Exporting {label} …") as status:
        from tasks.exporting import portable  # torch takes seconds to import

        def on_cycle(done: int, total: int) -> None:
            status.update(f"Measuring the cost of 8 bits: {done} of {total} cycles …")

        card = portable.write(kind, folder, out, origin=origin, quantise=int8, on_cycle=on_cycle)
    if card.get("banner"):
        console.print(f"[yellow]{card['banner']}[/]")
    shown = table("file", Column("bytes", justify="right"))
    for path in sorted(out.iterdir()):
        shown.add_row(path.name, f"{path.stat().st_size:,}")
    console.print(f"[bold]{label}[/] in {out}:")
    console.print(shown)
    if "int8" in card:
        _show_int8(card["int8"], console)


def _require_empty(out: Path) -> None:
    """Refuse a folder that holds files."""
    if out.is_dir() and any(out.iterdir()):
        raise BreathlineError("The folder holds files already.", where=out, hint="name a new folder with `--out`")


def _show_int8(found: dict[str, Any], console: Console) -> None:
    """Print size, time and scores of the versions with weights of 8 bits, the kept one with its test cycles."""
    methods = {f"{name} *" if name == found["method"] else name: one for name, one in found["tried"].items()}
    shown = table(Column(""), *(Column(name, justify="right") for name in ("float32", *methods)))
    tried = list(methods.values())
    shown.add_row("bytes", *(f"{one:,}" for one in (found["bytes"]["float32"], *(one["bytes"] for one in tried))))
    times = (found["milliseconds"]["float32"], *(one["milliseconds"] for one in tried))
    shown.add_row("ms for a cycle, one core", *(f"{one:.1f}" for one in times))
    tested = [found["test"] if one is found["tried"][found["method"]] else None for one in tried]
    for subset, measured in (("validation", tried), ("test", tested)):
        for name, title in (("score_strict", "strict Score"), ("score_lenient", "lenient Score")):
            values = [found[subset][name]["float32"], *(one and one[name]["int8"] for one in measured)]
            shown.add_row(f"{title}, {subset}", *("–" if value is None else f"{value:.2f}" for value in values))
        changes = ("–" if one is None else f"{one['changed_decisions']:.1%}" for one in measured)
        shown.add_row(f"another class, {subset}", "", *changes)
    console.print()
    console.print(shown)
    counts = " and ".join(f"{found[subset]['cycles']} {subset}" for subset in ("validation", "test"))
    console.print(f"* kept as {found['file']}. Measured on {counts} cycles.")
    if not found["own_split"]:
        console.print(
            "[yellow]The model is no student of this working tree. If the split has changed since its training, some "
            "of these cycles are training cycles, and the cost is larger than measured.[/]"
        )
