"""Pretrained weights: search for the file, hash check and conversion to safetensors."""

import _codecs
import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import torch
from numpy._core import multiarray
from safetensors.torch import load_file, save_file
from torch import Tensor

from models import file_names
from tasks.pretrained import formats, hub
from tasks.pretrained.settings import NOTHING, WeightsSettings
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError
from tasks.sources.http import fetch_first

LOCAL = "BREATHLINE_WEIGHTS"
MAX_SHARING = 4  # size of all tensors, as a multiple of the file's size; tied weights share their bytes
# Numbers of weights (floating point) and of counters, indices and masks beside them.
DTYPES = {torch.float64, torch.float32, torch.float16, torch.bfloat16}
DTYPES |= {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}
log = logging.getLogger("weights")
# Published checkpoints hold plain arrays beside their tensors, also under the module names of NumPy 1.
NUMPY: list[Any] = [np.ndarray, np.dtype, _codecs.encode]
NUMPY += [kind for name, kind in vars(np.dtypes).items() if name.endswith("DType")]
for function in ("_reconstruct", "scalar"):
    made = getattr(multiarray, function)
    NUMPY += [made, (made, f"numpy.core.multiarray.{function}")]


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
        BreathlineError: The SHA-256 is wrong, the source cannot be reached, or the file holds no usable tensors.
    """
    out.mkdir(parents=True, exist_ok=True)
    state: dict[str, Tensor] = {}
    seen, revision = settings.sha256, settings.revision
    if settings.source != NOTHING:
        file = find(settings, local)
        if file is None:
            file, revision = download(settings, downloads)
        state = read_tensors(file)
        if seen is None:
            seen = files.sha256(file)
            pins = f"weights.{name}.sha256: {seen}"
            if revision not in (None, settings.revision):
                pins += f" and weights.{name}.revision: {revision}"
            log.warning("No SHA-256 is known for %s: add %s to params.yaml.", name, pins)
        with files.replacing(out / file_names.WEIGHTS) as temporary:
            save_file(state, temporary)
    files.write_json(
        out / file_names.SOURCE,
        {
            "name": name,
            "source": settings.source,
            "sha256": seen,
            **({"revision": revision} if revision else {}),
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


def download(settings: WeightsSettings, folder: Path) -> tuple[Path, str | None]:
    """Download the file of a source, check SHA-256 or format, and return its path and its commit on the hub.

    Args:
        settings: Source, SHA-256 and revision.
        folder: Folder of downloaded files; a file in the hub's own cache is used as it is.

    Raises:
        BreathlineError: The source cannot be reached, the SHA-256 differs, or the file has another format.
    """
    source, sha256 = settings.source, settings.sha256
    url, commit, headers = source, None, {}
    if settings.on_hub:
        found = hub.find(settings, f"check the source, or put the file into a folder and name that in {LOCAL}")
        if found.cached is not None and sha256 in (None, files.sha256(found.cached)):
            return found.cached, found.commit
        url, commit, headers = found.url, found.commit, dict(found.headers)
    folder.mkdir(parents=True, exist_ok=True)
    key = sha256 or hashlib.sha256(url.encode()).hexdigest()
    target = folder / f"{key[:16]}-{file_name(url)}"
    return fetch_first([url], target, sha256=sha256, check=formats.check, headers=headers), commit


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file or of a PyTorch checkpoint, under their published names.

    Raises:
        BreathlineError: The file has another format, holds other objects, which are never unpickled, or holds tensors
            that no network can start from.
    """
    kind = formats.check(file)
    try:
        with torch.serialization.safe_globals(NUMPY):
            loaded: Any = (
                torch.load(file, map_location="cpu", weights_only=True) if kind == "torch" else load_file(file)
            )
    except Exception as error:
        raise BreathlineError(
            f"The weights cannot be read: {error}".splitlines()[0], where=file, hint=formats.HINT
        ) from error
    for key in ("model", "state_dict"):
        if isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    tensors = {str(name): tensor for name, tensor in loaded.items() if isinstance(tensor, Tensor)}
    if not tensors:
        raise BreathlineError("The file holds no tensors.", where=file, hint=formats.HINT)
    size, total = file.stat().st_size, sum(tensor.nbytes for tensor in tensors.values())
    if total > MAX_SHARING * size:
        what = f"The tensors share their bytes: they would take {total:,} bytes, and the file has {size:,}."
        raise BreathlineError(what, where=file, hint=formats.HINT)
    for name, tensor in tensors.items():
        _check_values(name, tensor, file)
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}


def _check_values(name: str, tensor: Tensor, file: Path) -> None:
    """Refuse a tensor of numbers that no network has, and one with values that are not a number."""
    if tensor.dtype not in DTYPES:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise BreathlineError(f"The tensor {name} holds numbers of the type {kind}.", where=file, hint=formats.HINT)
    if tensor.isnan().any():
        hint = "fetch the file again, or use other weights"
        raise BreathlineError(f"The tensor {name} holds values that are not a number (NaN).", where=file, hint=hint)
