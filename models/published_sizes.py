"""Published sizes of the networks: parameters, front end and weights, in a table that importing needs no torch for.

`python -m models.published_sizes` writes the table anew; a test compares it with the networks.
"""

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.networks.options import missing_library

if TYPE_CHECKING:
    from models.networks.architecture import Variant

FILE = Path(__file__).with_suffix(".json")
CLIP_S, CLASSES = 8.0, 4  # parameters are counted for the clips of the published works and lungsound_4


def read() -> dict[str, dict[str, Any]]:
    """Return the row of each published size by name, as `describe` gives it; also without its library."""
    rows: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return {row["name"]: _with_library(row) for row in rows}


def describe(name: str, variant: "Variant") -> dict[str, Any]:
    """Return name, architecture, options, parameters, front end, weights and library of a network.

    The network is built, for its parameters.

    Args:
        name: Name for the row.
        variant: Architecture and options, with the published weights.
    """
    from models.networks.registry import find

    entry = find(variant.architecture)
    row = _with_library(
        {
            "name": name,
            "architecture": variant.architecture,
            "options": dict(variant.options),
            "parameters": None,
            "frontend": entry.frontend,
            "library": entry.library,
            "weights": [{"name": key, **asdict(weights)} for key, weights in variant.weights.items()],
        }
    )
    return row if "missing" in row else row | {"parameters": count_parameters(variant)}


def count_parameters(variant: "Variant") -> int:
    """Count the trained parameters of a network without allocating them (the library of BEATs allocates some).

    Raises:
        ValueError: The network cannot be built.
    """
    import torch

    from models.frontends.registry import create as create_frontend
    from models.networks.registry import create, find

    frontend = create_frontend(find(variant.architecture).frontend, CLIP_S)
    with torch.device("meta"):
        network = create(
            variant.architecture,
            frames=frontend.frames,
            mels=frontend.mels,
            classes=CLASSES,
            options=variant.options,
            weights=None,
        )
    return sum(parameter.numel() for parameter in network.parameters())


def text() -> str:
    """Return the table of all published sizes as JSON, a line for each.

    Raises:
        ValueError: A network cannot be built because its library is missing.
    """
    from models.networks.registry import variants

    rows = [describe(name, variant) for name, variant in variants().items()]
    for row in rows:
        if "missing" in row:
            raise ValueError(row["missing"])
    return "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n"


def _with_library(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without parameters, and with the way out, if the library of its network is missing."""
    if row["library"] is None or find_spec(row["library"]) is not None:
        return row
    return row | {"parameters": None, "missing": missing_library(row["architecture"], row["library"])}


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
