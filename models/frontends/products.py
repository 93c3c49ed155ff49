"""Products of matrices that take one thread, because there is a worker for each core."""

from typing import Any

import numpy as np
import numpy.typing as npt

ONE_THREAD = 1 << 18  # multiplications; OpenBLAS uses one thread up to this number


def rows_in_one_thread(right: npt.NDArray[Any]) -> int:
    """Return the largest number of rows of a left matrix whose product with `right` takes one thread."""
    return max(1, ONE_THREAD // right.size)


def multiply(left: npt.NDArray[Any], right: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Write the product of two matrices, computed in parts of some rows.

    The number of threads that BLAS may use then changes neither the time of other workers nor the last bits.

    Args:
        left: Matrix ``(rows, inner)``.
        right: Matrix ``(inner, columns)``.
        out: Array of the product ``(rows, columns)``.
    """
    size = rows_in_one_thread(right)
    for first in range(0, len(left), size):
        some = slice(first, first + size)
        np.matmul(left[some], right, out=out[some])
