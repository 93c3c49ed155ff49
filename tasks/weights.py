"""The stage `weights`: one set of pretrained weights as an artifact of the graph, by name and SHA-256.

``python -m tasks.weights NAME`` reads ``weights.NAME`` of params.yaml and writes ``data/weights/NAME/``.
"""

from __future__ import annotations

import _codecs
import hashlib
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import numpy as np
import torch
from numpy._core import multiarray
from safetensors.torch import load_file, save_file
from torch import Tensor

from models import file_names
from tasks import artifacts
from tasks.runtime import files, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import stage
from tasks.sources.http import fetch

LOCAL = "BREATHLINE_WEIGHTS"
DOWNLOADS = Path(".checkpoints/weights")
log = logging.getLogger("weights")
# Plain arrays, which published checkpoints hold beside their tensors; also under the name that NumPy 1 gave them.
NUMPY: list[Any] = [np.ndarray, np.dtype, _codecs.encode]
NUMPY += [kind for name, kind in vars(np.dtypes).items() if name.endswith("DType")]
for function in ("_reconstruct", "scalar"):
    made = getattr(multiarray, function)
    NUMPY += [made, (made, f"numpy.core.multiarray.{function}")]


@dataclass(frozen=True, kw_only=True)
class WeightsSettings:
    """Where one set of weights comes from.

    Attributes:
        source: ``none`` (the random initialisation), a URL, ``hf:<organisation>/<repository>/<file>`` or
            ``timm:<model>``.
        sha256: Of the file. Where it is not known, that of the file that came is recorded in ``source.json``.
        licence: Of the weights, as their authors give it.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    source: str
    sha256: str | None = None
    licence: str | None = None


def provide(name: str, settings: WeightsSettings, out: Path, *, local: Path | None, downloads: Path) -> None:
    """Write ``model.safetensors`` (tensors as published) and ``source.json`` to ``out``.

    A file with the right SHA-256 below ``local`` is preferred to the network; without a SHA-256, one of the right name.

    Raises:
        BreathlineError: A wrong SHA-256, a source that cannot be reached, or a file that holds no tensors.
    """
    out.mkdir(parents=True, exist_ok=True)
    state: dict[str, Tensor] = {}
    seen = settings.sha256
    if settings.source != "none":
        file = find(settings, local) or download(settings.source, settings.sha256, downloads)
        state = read_tensors(file)
        if seen is None:
            seen = files.sha256(file)
            log.warning("Nobody vouches for %s: put weights.%s.sha256: %s into params.yaml.", name, name, seen)
        save_file(state, out / file_names.WEIGHTS)
    files.write_json(
        out / file_names.SOURCE,
        {
            "name": name,
            "source": settings.source,
            "sha256": seen,
            "licence": settings.licence,
            "parameters": sum(tensor.numel() for tensor in state.values()),
        },
    )


def find(settings: WeightsSettings, folder: Path | None) -> Path | None:
    """Return the file of a source below ``folder``, by its SHA-256 or, where that is not known, its name; or none."""
    if folder is None:
        return None
    if not folder.is_dir():
        raise BreathlineError(f"{LOCAL} names no folder.", where=folder, hint=f"mend or unset {LOCAL}")
    there = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if settings.sha256 is None:
        return next((path for path in there if path.name == file_name(settings.source)), None)
    return next((path for path in there if files.sha256(path) == settings.sha256), None)


def file_name(source: str) -> str:
    """Return the name of a source's file, without what a URL asks or escapes."""
    return unquote(urlsplit(source).path).rsplit("/", 1)[-1]


def download(source: str, sha256: str | None, folder: Path) -> Path:
    """Return the path of the downloaded file of a source, checked against its SHA-256 where that is known.

    Raises:
        BreathlineError: The source is of no known kind, cannot be reached, or sends another file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hint = f"check the source, or put the file into a folder and name that in {LOCAL}"
    if source.startswith(("http://", "https://")):
        key = sha256 or hashlib.sha256(source.encode()).hexdigest()
        return fetch(source, folder / f"{key[:16]}-{file_name(source)}", sha256=sha256)
    if source.startswith(("hf:", "timm:")):
        file = _from_hub(source, hint)
    else:
        kinds = "none, a URL, hf:<organisation>/<repository>/<file>, timm:<model>"
        raise BreathlineError(f"`{source}` is no source of weights.", where="params.yaml: weights", hint=f"use {kinds}")
    if sha256 is not None and (seen := files.sha256(file)) != sha256:
        raise BreathlineError(f"The weights have SHA-256 {seen}, not {sha256}.", where=source, hint=hint)
    return file


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file or of a PyTorch checkpoint, under their published names.

    Raises:
        BreathlineError: The file holds anything but tensors, which is never unpickled.
    """
    try:
        with file.open("rb") as opened:
            pickled = opened.read(2)[:1] in {b"P", b"\x80"}  # zipped, or as before torch 1.6
        with torch.serialization.safe_globals(NUMPY):
            loaded: Any = torch.load(file, map_location="cpu", weights_only=True) if pickled else load_file(file)
    except Exception as error:
        raise BreathlineError(
            f"The weights cannot be read: {error}".splitlines()[0],
            where=file,
            hint="use a plain state dict or safetensors",
        ) from error
    for key in ("model", "state_dict"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    tensors = {str(name): tensor for name, tensor in loaded.items() if isinstance(tensor, Tensor)}
    if not tensors:
        raise BreathlineError("The file holds no tensors.", where=file, hint="use a plain state dict or safetensors")
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}


def _from_hub(source: str, hint: str) -> Path:
    """Return the cached file of a Hugging Face repository, or of the one that holds a timm model."""
    from huggingface_hub import hf_hub_download

    kind, _, rest = source.partition(":")
    if kind == "timm":
        import timm

        config = timm.get_pretrained_cfg(rest)
        if config is None or not config.hf_hub_id:
            raise BreathlineError(f"timm has no weights of {rest} on the hub.", where=source, hint=hint)
        repository, file = config.hf_hub_id, "model.safetensors"
    else:
        organisation, name, file = rest.split("/", 2)
        repository = f"{organisation}/{name}"
    try:
        return Path(hf_hub_download(repository, file))
    except Exception as error:
        raise BreathlineError(f"The hub did not give the weights: {error}", where=source, hint=hint) from error


def main(name: str) -> None:
    """Run the stage for the weights that the command line names."""
    with stage(f"weights@{name}"):
        key = f"weights.{name}"
        settings = params.parse(WeightsSettings, params.section(params.read(), key), key)
        folder = os.environ.get(LOCAL)
        provide(name, settings, artifacts.WEIGHTS / name, local=Path(folder) if folder else None, downloads=DOWNLOADS)


if __name__ == "__main__":
    main(*sys.argv[1:])
