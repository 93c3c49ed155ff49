"""Labels of SPRSound: types of events, labels of recordings, and the classes of its label sets."""

from collections.abc import Collection

# Types of events, in the order of task 1-2 of the challenge; class 0 is the normal one.
EVENTS = ("Normal", "Rhonchi", "Wheeze", "Stridor", "Coarse Crackle", "Fine Crackle", "Wheeze+Crackle")

# Labels of a recording (task 2-2), and the three classes of task 2-1.
POOR_QUALITY = "Poor Quality"
RECORDS = {
    "Normal": "Normal",
    "CAS": "Adventitious",
    "DAS": "Adventitious",
    "CAS & DAS": "Adventitious",
    POOR_QUALITY: POOR_QUALITY,
}

CLASSES: dict[str, tuple[str, ...]] = {
    "lungsound_4": ("normal", "crackle", "wheeze", "both"),
    "lungsound_2": ("normal", "abnormal"),
    "sprsound_event_7": tuple(name.lower() for name in EVENTS),
    "sprsound_event_2": ("normal", "adventitious"),
}
RECORD_CLASSES: dict[str, tuple[str, ...]] = {
    "sprsound_record_5": tuple(name.lower() for name in RECORDS),
    "sprsound_record_3": tuple(dict.fromkeys(name.lower() for name in RECORDS.values())),
    "lungsound_2": ("normal", "abnormal"),
}

# Class in `lungsound_4` of each type. The literature leaves out the others; params.yaml can map them to wheeze.
SHARED = {"Normal": 0, "Coarse Crackle": 1, "Fine Crackle": 1, "Wheeze": 2, "Wheeze+Crackle": 3}


def label(label_set: str, event: str, also_wheeze: Collection[str] = ()) -> int | None:
    """Return the class index of an event in a label set, or None if the label set leaves its type out.

    Args:
        label_set: A key of `CLASSES`.
        event: Type of the event, one of `EVENTS`.
        also_wheeze: Types of `optional_sounds.OPTIONAL` that the shared label sets count as wheeze.

    Raises:
        ValueError: The label set does not exist.
    """
    if label_set == "sprsound_event_7":
        return EVENTS.index(event)
    if label_set == "sprsound_event_2":
        return int(event != "Normal")
    if label_set not in CLASSES:
        raise ValueError(f"there is no label set `{label_set}`; the label sets are: {', '.join(CLASSES)}")
    shared = SHARED["Wheeze"] if event in also_wheeze else SHARED.get(event)
    return shared if shared is None or label_set == "lungsound_4" else int(shared > 0)


def record_label(label_set: str, record: str | None) -> int | None:
    """Return the class index of a whole recording in a label set, or None if it has no label there.

    Args:
        label_set: A key of `RECORD_CLASSES`.
        record: Label of the recording, a key of `RECORDS`, or None.
    """
    if record is None or (label_set == "lungsound_2" and record == POOR_QUALITY):
        return None
    if label_set == "lungsound_2":
        return int(record != "Normal")
    name = record if label_set == "sprsound_record_5" else RECORDS[record]
    return RECORD_CLASSES[label_set].index(name.lower())
