"""Fourier transforms of real rows by SciPy, in single or double precision.

The import of `scipy.fft` takes 0.2 s, nearly all of it for special functions that no transform here needs. So SciPy's
compiled module is loaded by itself. Where its file has another place, `scipy.fft` is imported. Where SciPy is not
installed, as in the image for serving, numpy transforms; last bits may differ.
"""

from collections.abc import Callable
from functools import partial
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Transform = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def by_package() -> Transform:
    """Return the transform of `scipy.fft`, or of numpy if SciPy is not installed."""
    try:
        from scipy import fft
    except ModuleNotFoundError:
        return partial(np.fft.rfft, axis=1)
    return partial(fft.rfft, axis=1)


def by_module() -> Transform | None:
    """Return the transform of SciPy's compiled module; None if it has another place or no such function."""
    try:
        scipy = find_spec("scipy")
    except ImportError:  # a hook refuses it
        return None
    for folder in scipy.submodule_search_locations or () if scipy else ():
        for suffix in EXTENSION_SUFFIXES:
            path = Path(folder, "fft", "_pocketfft", f"pypocketfft{suffix}")
            if path.is_file():
                loader = ExtensionFileLoader("pypocketfft", str(path))
                module = module_from_spec(ModuleSpec("pypocketfft", loader, origin=str(path)))
                try:
                    loader.exec_module(module)
                    found = partial(_rows, getattr(module, "r2c", None))
                    known = found(np.ones((1, 2), np.float32))
                except (
                    ImportError,
                    TypeError,
                    ValueError,
                    RuntimeError,
                ):  # a later SciPy may name or call it otherwise
                    return None
                return found if known.tolist() == [[2, 0]] else None
    return None


def _rows(r2c: Any, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the transforms of rows, by SciPy's function: axes, direction, norm, array of the result, and threads."""
    found: npt.NDArray[Any] = r2c(rows, (1,), True, 0, None, 1)
    return found


rfft = by_module() or by_package()
