"""Pretrained weights: settings, search for the file, hash check and conversion to safetensors."""

import _codecs
import hashlib
import logging
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
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError
from tasks.sources.http import fetch_first

LOCAL = "BREATHLINE_WEIGHTS"
log = logging.getLogger("weights")
# Published checkpoints hold plain arrays beside their tensors, also under the module names of NumPy 1.
NUMPY: list[Any] = [np.ndarray, np.dtype, _codecs.encode]
NUMPY += [kind for name, kind in vars(np.dtypes).items() if name.endswith("DType")]
for function in ("_reconstruct", "scalar"):
    made = getattr(multiarray, function)
    NUMPY += [made, (made, f"numpy.core.multiarray.{function}")]


@dataclass(frozen=True, kw_only=True)
class WeightsSettings:
    """Source of one set of weights."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    source: str  # `none` (random initialisation), a URL, `hf:<organisation>/<repository>/<file>` or `timm:<model>`
    # SHA-256 of the file. Without it, the hash of the downloaded file is recorded in `source.json`.
    sha256: str | None = None
    licence: str | None = None  # licence of the weights, as their authors state it


def write_weights(name: str, settings: WeightsSettings, out: Path, *, local: Path | None, downloads: Path) -> None:
    """Write ``model.safetensors`` (tensors as published) and ``source.json`` to ``out``.

    A file below ``local`` is used before the network: by its SHA-256 or, without one, by its name.

    Args:
        name: Key of the weights in params.yaml.
        settings: Source of the weights.
        out: Folder to write.
        local: Folder with downloaded files, searched with its subfolders.
        downloads: Folder for new downloads.

    Raises:
        BreathlineError: The SHA-256 is wrong, the source cannot be reached, or the file holds no tensors.
    """
    out.mkdir(parents=True, exist_ok=True)
    state: dict[str, Tensor] = {}
    seen = settings.sha256
    if settings.source != "none":
        file = find(settings, local) or download(settings.source, settings.sha256, downloads)
        state = read_tensors(file)
        if seen is None:
            seen = files.sha256(file)
            log.warning("No SHA-256 is known for %s: add weights.%s.sha256: %s to params.yaml.", name, name, seen)
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
    """Return the file of a source below ``folder``, by its SHA-256 or, without one, by its name; None if missing.

    Args:
        settings: Source and SHA-256 of the weights.
        folder: Folder that is searched with its subfolders; None for no folder.

    Raises:
        BreathlineError: The folder does not exist.
    """
    if folder is None:
        return None
    if not folder.is_dir():
        raise BreathlineError(f"The folder of {LOCAL} does not exist.", where=folder, hint=f"correct or unset {LOCAL}")
    candidates = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if settings.sha256 is None:
        return next((path for path in candidates if path.name == file_name(settings.source)), None)
    return next((path for path in candidates if files.sha256(path) == settings.sha256), None)


def file_name(source: str) -> str:
    """Return the file name of a source, without the query of a URL and without escapes."""
    return unquote(urlsplit(source).path).rsplit("/", 1)[-1]


def download(source: str, sha256: str | None, folder: Path) -> Path:
    """Download the file of a source, check its SHA-256 if known, and return its path.

    Args:
        source: URL, or name with the prefix `hf:` or `timm:`.
        sha256: Expected SHA-256; None if it is not known.
        folder: Folder of the downloaded file.

    Raises:
        BreathlineError: The kind of source is unknown, the source cannot be reached, or the SHA-256 differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hint = f"check the source, or put the file into a folder and name that in {LOCAL}"
    if source.startswith(("http://", "https://")):
        key = sha256 or hashlib.sha256(source.encode()).hexdigest()
        return fetch_first([source], folder / f"{key[:16]}-{file_name(source)}", sha256=sha256)
    if source.startswith(("hf:", "timm:")):
        file = _from_hub(source, hint)
    else:
        kinds = "none, a URL, hf:<organisation>/<repository>/<file>, timm:<model>"
        raise BreathlineError(
            f"`{source}` is not a source of weights.", where="params.yaml: weights", hint=f"use {kinds}"
        )
    if sha256 is not None and (seen := files.sha256(file)) != sha256:
        raise BreathlineError(f"The weights have SHA-256 {seen}, not {sha256}.", where=source, hint=hint)
    return file


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file or of a PyTorch checkpoint, under their published names.

    Raises:
        BreathlineError: The file holds other objects, which are never unpickled, or no tensors.
    """
    try:
        with file.open("rb") as opened:
            pickled = opened.read(2)[:1] in {b"P", b"\x80"}  # a zip file, or the format before torch 1.6
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
    """Download a file of a Hugging Face repository, or of the repository of a timm model, and return its path."""
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
        raise BreathlineError(
            f"The weights cannot be downloaded from the hub: {error}", where=source, hint=hint
        ) from error
