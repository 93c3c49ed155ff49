"""Changes of a copy of the small project, and the stages that they affect."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

AFTER_TEACHERS = ("soft_labels", "train_student@1", "train_student@2", "evaluate", "explain", "export", "report")


def edit_yaml(path: Path, change: Callable[[Any], object]) -> None:
    """Change the content of a YAML file in place."""
    loaded = YAML(typ="safe").load(path)
    change(loaded)
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(loaded, file)
