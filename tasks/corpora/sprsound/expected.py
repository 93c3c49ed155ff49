"""Published contents of SPRSound's release BioCAS2022 (Zhang et al., IEEE TBioCAS 16, 867, 2022)."""

PATIENTS = 292
RECORDINGS = 2683
EVENTS = 9089

# Recordings of each side of the split.
SIDE_RECORDINGS = {"train": 1949, "inter": 355, "intra": 379}

# Events of each type on all sides.
EVENT_TYPES = {
    "Normal": 6887,
    "Fine Crackle": 1167,
    "Wheeze": 865,
    "Coarse Crackle": 66,
    "Rhonchi": 53,
    "Wheeze+Crackle": 34,
    "Stridor": 17,
}
