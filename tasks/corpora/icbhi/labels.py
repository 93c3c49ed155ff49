"""Classes of the four label sets: lung sounds of a cycle, and diagnosis of the patient. Class 0 is the normal one."""

CLASSES: dict[str, tuple[str, ...]] = {
    "lungsound_4": ("normal", "crackle", "wheeze", "both"),
    "lungsound_2": ("normal", "abnormal"),
    "diagnosis_3": ("healthy", "chronic", "non-chronic"),
    "diagnosis_2": ("healthy", "unhealthy"),
}

# Class in `diagnosis_3` of each diagnosis in ICBHI.
DIAGNOSES: dict[str, int] = {
    "Healthy": 0,
    "COPD": 1,
    "Bronchiectasis": 1,
    "Asthma": 1,
    "URTI": 2,
    "LRTI": 2,
    "Pneumonia": 2,
    "Bronchiolitis": 2,
}


def label(labels: str, *, crackles: int, wheezes: int, diagnosis: str | None) -> int | None:
    """Return the class index of a cycle in a label set, or None if the label set needs an unknown diagnosis.

    Args:
        labels: Label set, a key of `CLASSES`.
        crackles: Presence of crackles, 0 or 1.
        wheezes: Presence of wheezes, 0 or 1.
        diagnosis: A key of `DIAGNOSES`, or None.

    Raises:
        ValueError: The label set does not exist.
    """
    if labels == "lungsound_4":
        return crackles + 2 * wheezes
    if labels == "lungsound_2":
        return int(bool(crackles or wheezes))
    if labels == "diagnosis_3":
        return None if diagnosis is None else DIAGNOSES[diagnosis]
    if labels == "diagnosis_2":
        return None if diagnosis is None else int(DIAGNOSES[diagnosis] > 0)
    raise ValueError(f"there is no label set `{labels}`; the label sets are: {', '.join(CLASSES)}")
