"""Classes of a user's labels: usual words, choices of the user, and a label set of the user's own classes."""

import re
from collections.abc import Iterable, Mapping

from tasks.runtime.params import natural

LUNGSOUND_4 = ("normal", "crackle", "wheeze", "both")
LUNGSOUND_2 = ("normal", "abnormal")
OWN = "labels_own"  # label set of the distinct labels of the table
NORMAL = "normal"
# Classes that a label can have. The last two have no class in `lungsound_4`, `own` has none in `lungsound_2` either.
CLASSES = (*LUNGSOUND_4, "abnormal", "own")
# Class index of each class, in the label sets that all corpora share.
CLASS_INDEX: Mapping[str, Mapping[str, int]] = {
    "lungsound_4": {name: number for number, name in enumerate(LUNGSOUND_4)},
    "lungsound_2": {name: int(name != NORMAL) for name in (*LUNGSOUND_4, "abnormal")},
}
LEFT_OUT = "-"
CHOICES = (*CLASSES, LEFT_OUT)
MAX_LABELS = 50
_WORDS = {
    "normal": {"normal", "norm", "vesicular", "clear", "healthy"},
    "crackle": {"crackle", "crackles", "crackling", "rale", "rales", "crepitation", "crepitations", "crepitus"},
    "wheeze": {"wheeze", "wheezes", "wheezing"},
    "both": {"both"},
    "abnormal": {"abnormal", "adventitious", "pathological"},
}
_FILLERS = {"sound", "sounds", "lung", "breath", "breathing", "respiratory", "fine", "coarse", "and", "with", "only"}


def plain(label: str) -> str:
    """Return a label in lower case with single blanks, so that equal labels are equal texts."""
    return " ".join(label.casefold().split())


def usual_class(label: str) -> str | None:
    """Return the class of a label of usual words, such as `Fine Crackles` or `crackle+wheeze`; None for others."""
    found = set(re.findall(r"\w+", re.sub("_", " ", plain(label)))) - _FILLERS
    kinds = {next((name for name, usual in _WORDS.items() if word in usual), None) for word in found}
    if kinds - {"both"} == {"crackle", "wheeze"}:
        return "both"
    return kinds.pop() if len(kinds) == 1 else None


def of_flags(crackle: bool, wheeze: bool) -> str:
    """Return the class of a segment by two flags."""
    return LUNGSOUND_4[crackle + 2 * wheeze]


def own_classes(labels: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the classes of the user's own label set: normal, then the other distinct labels in natural order.

    Args:
        labels: Label and class of segments.
    """
    others = {plain(label) for label, kind in labels if kind != NORMAL} - {NORMAL}
    return (NORMAL, *sorted(others, key=natural))


def index(label_set: str, label: str, kind: str, own: tuple[str, ...] = ()) -> int | None:
    """Return the class index of a segment in a label set, or None if the label set leaves it out.

    Args:
        label_set: Name of a label set.
        label: Label of the user.
        kind: Class of the label, one of `CLASSES`.
        own: Classes of the user's own label set.

    Raises:
        ValueError: The label set does not exist.
    """
    if label_set == OWN:
        return 0 if kind == NORMAL else own.index(plain(label))
    if label_set not in CLASS_INDEX:
        raise ValueError(f"there is no label set `{label_set}`; the label sets are: {', '.join((*CLASS_INDEX, OWN))}")
    return CLASS_INDEX[label_set].get(kind)
