"""Classes of HF_Lung's label sets from the sounds that are annotated in a breath."""

from collections.abc import Collection

CLASSES: dict[str, tuple[str, ...]] = {
    "lungsound_4": ("normal", "crackle", "wheeze", "both"),
    "lungsound_2": ("normal", "abnormal"),
}
NORMAL = "normal"
NOTHING = "nothing annotated"  # value of the column `hf_lung_sounds` of a breath without sounds
SEPARATOR = "+"


def column(sounds: Collection[str]) -> str:
    """Return the value of the column `hf_lung_sounds`, such as ``D+Wheeze``."""
    return SEPARATOR.join(sounds) or NOTHING


def label(label_set: str, sounds: str, *, unannotated: str | None, also_wheeze: Collection[str] = ()) -> int | None:
    """Return the class of a breath, or None if it has no label.

    A breath without sounds has a label only if the settings call it normal: the corpus does not. A breath with other
    sounds only, which the settings do not map, has none.

    Args:
        label_set: A key of `CLASSES`.
        sounds: Value of the column `hf_lung_sounds`.
        unannotated: Class of breaths without sounds, `normal` or None.
        also_wheeze: Sounds of `optional_sounds.OPTIONAL` that count as wheeze.
    """
    found = set() if sounds == NOTHING else set(sounds.split(SEPARATOR))
    index = int("D" in found) + 2 * int(not found.isdisjoint({"Wheeze", *also_wheeze}))
    if not index and (found or unannotated != NORMAL):
        return None
    return index if label_set == "lungsound_4" else int(index > 0)
