"""Numbering of patients in their natural order."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.runtime.params import natural


def number(patients: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the distinct patients in natural order, and the position among them of the patient of each row.

    Random draws go over positions, so that patient 9 comes before patient 10 whatever the length of the ids.
    """
    people = sorted(set(patients), key=natural)
    position = {patient: index for index, patient in enumerate(people)}
    return people, np.array([position[patient] for patient in patients], dtype=np.int64)
