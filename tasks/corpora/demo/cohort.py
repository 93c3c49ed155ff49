"""Generated patients: diagnosis, device, side of the split, and traits of their sounds.

Patients come in decks of twenty. Each deck has the mix of the whole cohort, so that a corpus of three decks is as well
mixed as one of thirty. The figures were counted over ICBHI's own metadata and annotations
(Rocha et al., Physiol. Meas. 40, 035001, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit
from scipy.stats import norm

from tasks.corpora.demo.draws import Stream, generator
from tasks.corpora.icbhi.metadata import DEMOGRAPHICS

FIRST_NUMBER = 101
# Sides of the split of each five patients: 60 % train, and both sides in the smallest corpus.
SIDES = ("train", "test", "train", "test", "train")

# Diagnosis and device of a deck's twelve training and eight test patients; None is filled from RARE, deck by deck. As
# in ICBHI, children and the healthy were recorded with the Meditron, and the test side has no LittC2SE; the train side
# has more of the Litt3200 than ICBHI's five recordings, from which a small corpus would teach nothing.
_CARDS: dict[str, tuple[tuple[str, str] | None, ...]] = {
    "train": (
        *[("COPD", "AKGC417L")] * 4,
        *[("COPD", "LittC2SE")] * 2,
        ("COPD", "Litt3200"),
        ("Pneumonia", "LittC2SE"),
        *[("Healthy", "Meditron")] * 2,
        ("URTI", "Meditron"),
        None,
    ),
    "test": (
        *[("COPD", "AKGC417L")] * 3,
        ("COPD", "Litt3200"),
        *[("Healthy", "Meditron")] * 2,
        ("URTI", "Meditron"),
        None,
    ),
}
_RARE: dict[str, tuple[tuple[str, str], ...]] = {
    "train": (
        ("COPD", "Meditron"),
        ("Bronchiectasis", "Meditron"),
        ("Bronchiolitis", "Meditron"),
        ("LRTI", "Meditron"),
        ("Bronchiectasis", "Meditron"),
        ("Asthma", "LittC2SE"),
    ),
    "test": (("COPD", "Litt3200"), ("Bronchiolitis", "Meditron"), ("COPD", "Meditron"), ("Bronchiectasis", "Meditron")),
}

# Share of cycles with crackles and with wheezes.
_SHARES = {
    "COPD": (0.40, 0.22),
    "Healthy": (0.05, 0.02),
    "URTI": (0.09, 0.04),
    "Bronchiectasis": (0.21, 0.39),
    "Bronchiolitis": (0.13, 0.43),
    "Pneumonia": (0.08, 0.08),
    "LRTI": (0.02, 0.03),
    "Asthma": (0.05, 0.67),
}
# Adventitious sounds cluster: the log-odds of a cycle vary by this between patients and between the recordings of one
# patient, which gives the annotations' intra-class correlation within recordings, 0.5.
PATIENT_SD, RECORDING_SD = 1.9, 2.2

_ADULT = {"COPD": (69.0, 8.4), "Bronchiectasis": (53.0, 14.0), "Pneumonia": (70.0, 9.0), "Asthma": (62.0, 9.0)}
_CHILD_MEDIAN_AGE = {"Healthy": 4.5, "URTI": 3.0, "Bronchiolitis": 1.4, "LRTI": 1.2}


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Patient with the traits that shape the sounds.

    Attributes:
        crackle_log_odds: Log-odds of crackles in a cycle.
        wheeze_log_odds: Log-odds of wheezes in a cycle.
        breath_s: Median length of a cycle in seconds.
        heart_rate: Heart rate in beats a minute.
        breath_db: Loudness of breathing relative to the average patient, in dB.
        tilt_db: Tilt of the spectrum by the chest, in dB an octave above 200 Hz.
        fine: Share of fine crackles.
        crackle_size: Position of the crackles in the range of widths, 0 to 1.
        wheeze_hz: Median pitch of wheezes in Hz.
    """

    number: int
    split: str
    fold: int
    diagnosis: str
    device: str
    demographics: dict[str, Any]
    adult: bool
    crackle_log_odds: float
    wheeze_log_odds: float
    breath_s: float
    heart_rate: float
    breath_db: float
    tilt_db: float
    fine: float
    crackle_size: float
    wheeze_hz: float


def patient(seed: int, number: int) -> Patient:
    """Return a patient; equal seeds and numbers give equal patients."""
    position = number - FIRST_NUMBER
    split = SIDES[position % 5]
    diagnosis, device, crackle_z, wheeze_z = _card(seed, position)
    rng = generator(seed, Stream.PATIENT, number)
    adult = diagnosis in _ADULT
    age = _age(rng, diagnosis)
    fine_by_diagnosis = {"COPD": (1.2, 2.8), "Bronchiectasis": (1.0, 3.0), "Pneumonia": (2.5, 2.0)}
    return Patient(
        number=number,
        split=split,
        fold=int(generator(seed, Stream.FOLDS, position // 5).permutation(5)[position % 5]),
        diagnosis=diagnosis,
        device=device,
        demographics=_demographics(rng, age, adult),
        adult=adult,
        crackle_log_odds=_log_odds(_SHARES[diagnosis][0], crackle_z),
        wheeze_log_odds=_log_odds(_SHARES[diagnosis][1], wheeze_z),
        breath_s=float(np.exp(rng.normal(1.17 if adult else 0.80, 0.30))),
        heart_rate=float(np.clip(rng.normal(76 if adult else 108, 11), 50, 150)),
        breath_db=float(rng.normal(0, 4)),
        tilt_db=float(rng.normal(0, 1.2)),
        fine=float(rng.beta(*fine_by_diagnosis.get(diagnosis, (2.0, 2.0)))),
        crackle_size=float(rng.beta(2, 2)),
        wheeze_hz=float(np.exp(rng.normal(np.log(330 if adult else 380), 0.40))),
    )


def _card(seed: int, position: int) -> tuple[str, str, float, float]:
    """Return diagnosis and device from the patient's deck, and z-scores of crackles and wheezes.

    The z-scores are drawn from equal slices of the normal distribution, apart for COPD patients and for others of each
    side. So both sides of a deck have their share of severe cases.
    """
    deck, place = divmod(position, 20)
    side = SIDES[place % 5]
    rng = generator(seed, Stream.DECK, deck, SIDES.index(side))
    rare = _RARE[side][deck % len(_RARE[side])]
    cards = [card or rare for card in _CARDS[side]]
    order = rng.permutation(len(cards))
    slices = rng.random((2, len(cards)))
    groups = ([i for i, card in enumerate(cards) if (card[0] == "COPD") is copd] for copd in (True, False))
    for group in groups:
        for row in slices:
            row[group] = (rng.permutation(len(group)) + row[group]) / len(group)
    nth = sum(SIDES[i % 5] == side for i in range(place))
    chosen = order[nth]
    crackle_z, wheeze_z = norm.ppf(slices[:, chosen])
    return *cards[chosen], float(crackle_z), float(wheeze_z)


def _log_odds(share: float, z: float) -> float:
    """Return a patient's log-odds of an adventitious sound; over all patients and recordings the mean is `share`.

    The mean of a logistic function of a normal variable is close to that of the mean shrunk by
    sqrt(1 + 0.346 variance) (Zeger, Liang & Albert, Biometrics 44, 1049, 1988).
    """
    shrinkage = np.sqrt(1 + 0.346 * (PATIENT_SD**2 + RECORDING_SD**2))
    return float(logit(share) * shrinkage + PATIENT_SD * z)


def _age(rng: np.random.Generator, diagnosis: str) -> float:
    """Return an age in years."""
    if diagnosis in _ADULT:
        return round(float(np.clip(rng.normal(*_ADULT[diagnosis]), 19, 95)))
    age = float(np.clip(_CHILD_MEDIAN_AGE[diagnosis] * np.exp(rng.normal(0, 0.8)), 0.25, 16))
    return round(age) if age >= 1 else round(age, 2)


def _demographics(rng: np.random.Generator, age: float, adult: bool) -> dict[str, Any]:
    """Return demographics: BMI of adults, weight and height of children, and rarely nothing."""
    sex = "M" if rng.random() < (0.73 if adult else 0.52) else "F"
    bmi = float(np.clip(rng.normal(27.2, 5.0), 16.5, 54))
    height = float(np.clip(71.8 + 8.48 * age - 0.112 * age**2 + rng.normal(0, 7), 50, 185))
    weight = (height / 100) ** 2 * float(np.clip(rng.normal(17.0, 1.8), 13, 27))
    luck = rng.random()
    if luck < 0.008:
        return dict.fromkeys(DEMOGRAPHICS)
    sizes = (round(bmi, 2), None, None) if adult else (None, round(weight, 1), round(height))
    return dict(zip(DEMOGRAPHICS, (age, sex, *(sizes if luck > 0.05 else (None,) * 3)), strict=True))
