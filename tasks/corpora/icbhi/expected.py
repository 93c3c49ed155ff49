"""Contents of the complete ICBHI 2017 database (Rocha et al., Physiol. Meas. 40, 035001, 2019), by its files."""

PATIENTS = 126
RECORDINGS = 920
CYCLES = 6898

# The official split, by recording.
SPLIT_RECORDINGS = {"train": 539, "test": 381}

# Cycles per class of `lungsound_4`: normal, crackle, wheeze, both.
SPLIT_CYCLES = {"train": (2063, 1215, 501, 363), "test": (1579, 649, 385, 143)}

# Patients on both sides of the official split.
PATIENTS_ON_BOTH_SIDES = (156, 218)

# Patients per diagnosis.
DIAGNOSES = {
    "COPD": 64,
    "Healthy": 26,
    "URTI": 14,
    "Bronchiectasis": 7,
    "Bronchiolitis": 6,
    "Pneumonia": 6,
    "LRTI": 2,
    "Asthma": 1,
}

# The one wrong name in the official split file, and the recording that it means.
CORRECTIONS = {"226_1b1_Pl_sc_Meditron": "226_1b1_Pl_sc_LittC2SE"}
