"""Settings of the student, and its soft labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.training.settings import NetworkSettings, TrainingSettings
from tasks.runtime import params
from tasks.runtime.artifact_reading import content_of, read_table

SOFT_LABELS = pa.schema({"cycle_id": pa.string(), "soft_labels": pa.list_(pa.list_(pa.float32()))})
NETWORK = ("architecture", "options", "frontend", "weights")  # the keys of `student` that belong to the network


def parse(student: Mapping[str, Any]) -> tuple[NetworkSettings, TrainingSettings]:
    """Return the settings of the student's network and of its training.

    Args:
        student: Section ``student`` of params.yaml.

    Raises:
        BreathlineError: A key is unknown or missing, or a value does not fit.
    """
    network = {key: value for key, value in student.items() if key in NETWORK}
    training = {key: value for key, value in student.items() if key not in {*NETWORK, "seeds"}}
    return params.parse(NetworkSettings, network, "student"), params.parse(TrainingSettings, training, "student")


def read_soft_labels(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return the soft labels ``(candidates, classes)`` of each cycle.

    Raises:
        BreathlineError: The table is missing or damaged, or its soft labels differ in shape.
    """
    rows = read_table(path, SOFT_LABELS)
    with content_of(path):
        soft = np.asarray(rows["soft_labels"].to_pylist(), dtype=np.float32)
    return dict(zip(rows["cycle_id"].to_pylist(), soft, strict=True))
