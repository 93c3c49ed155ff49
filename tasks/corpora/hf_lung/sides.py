"""Side of the split of each recording, by the folder of its annotation in the source."""

import re
from pathlib import PurePosixPath

FILE = "hf_lung_source.json"
SIDES = ("train", "test")
_FOLDER = re.compile(r"(train|test)(?![a-z])", re.IGNORECASE)  # also `train 2`, as exports of a part are called


def side(annotation: str) -> str:
    """Return the side of a recording by the nearest folder called train or test; train without such a folder.

    Args:
        annotation: Path of the annotation in the source, with ``/``.
    """
    folders = reversed(PurePosixPath(annotation).parts[:-1])
    return next((match[1].lower() for part in folders if (match := _FOLDER.match(part))), "train")
