"""Labels of KAUH: sounds and diagnoses as its names write them, and the classes of its label sets."""

import re

CLASSES: dict[str, tuple[str, ...]] = {
    "lungsound_4": ("normal", "crackle", "wheeze", "both"),
    "lungsound_2": ("normal", "abnormal"),
    "diagnosis_3": ("healthy", "chronic", "non-chronic"),
    "diagnosis_2": ("healthy", "unhealthy"),
}

# Class in `lungsound_4` of each sound; the letters are I (inspiratory), E (expiratory), W (wheeze), C (crackle).
SOUNDS: dict[str, int | None] = {
    "N": 0,
    "C": 1,
    "I C": 1,
    "E W": 2,
    "I E W": 2,
    "I C E W": 3,
    "Crep": None,
    "Bronchial": None,
    "I C B": None,
}
CREP = "Crep"  # crepitations, which `crep` in params.yaml can map to crackle
_SOUNDS = {sound.casefold(): sound for sound in SOUNDS}

# Diagnosis in the words of the tables, and its class in `diagnosis_3`. Diseases that ICBHI lacks are in no class,
# and neither is BRON, which can be bronchitis or bronchiectasis.
NORMAL = "Normal"
DIAGNOSES: dict[str, int | None] = {
    NORMAL: 0,
    "Asthma": 1,
    "COPD": 1,
    "Pneumonia": 2,
    "BRON": None,
    "Heart failure": None,
    "Lung fibrosis": None,
    "Pleural effusion": None,
}
_SPELLINGS = {"n": NORMAL, "plueral effusion": "Pleural effusion"}
_DIAGNOSES = {name.casefold(): name for name in DIAGNOSES} | _SPELLINGS
SEPARATOR = " + "  # of the diagnoses of one patient


def sound(text: str) -> str:
    """Return a sound in its usual spelling; an unknown one as it is."""
    return _SOUNDS.get(text.casefold(), text)


def diagnosis(text: str) -> str:
    """Return a diagnosis, or several joined by `SEPARATOR`, in their usual spelling; unknown ones as they are."""
    parts = [part.strip() for part in re.split(r"\+|\band\b", text)]
    return SEPARATOR.join(_DIAGNOSES.get(part.casefold(), part) for part in parts)


def sound_label(label_set: str, sound: str, *, crep: str | None = None) -> int | None:
    """Return the class of a recording in `lungsound_4` or `lungsound_2`, or None if the sound has no label.

    Args:
        label_set: The label set.
        sound: The sound in its usual spelling.
        crep: Class of `Crep`, or None.
    """
    index = CLASSES["lungsound_4"].index(crep) if crep and sound == CREP else SOUNDS.get(sound)
    return index if index is None or label_set == "lungsound_4" else int(index > 0)


def diagnosis_label(label_set: str, diagnosis: str) -> int | None:
    """Return the class of a recording in `diagnosis_3` or `diagnosis_2`, or None if the diagnosis has no label.

    Args:
        label_set: The label set.
        diagnosis: The diagnosis in its usual spelling. Several have a label if all of them have the same.
    """
    parts = diagnosis.split(SEPARATOR)
    if not all(part in DIAGNOSES for part in parts):
        return None
    if label_set == "diagnosis_2":
        return int(parts != [NORMAL])
    found = {DIAGNOSES[part] for part in parts}
    return found.pop() if len(found) == 1 else None
