"""Generated patients: diagnosis, device, side of the split, and traits of their sounds.

Patients are drawn in blocks of twenty (block randomisation). Each block has the same mix of diagnoses and devices, so
that a small corpus has the same proportions as a large one. The figures are in `cohort.yaml`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from scipy.special import logit
from scipy.stats import norm

from tasks.corpora.demo.draws import Stream, generator
from tasks.corpora.icbhi.metadata import DEMOGRAPHICS

FIRST_NUMBER = 101
# Side of the split of every five patients: 60 % train. The smallest corpus has both sides.
SIDES = ("train", "test", "train", "test", "train")

_FIGURES: dict[str, dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("cohort.yaml"))
# Standard deviations of the log-odds of an adventitious sound, between patients and between the recordings of one
# patient. They give the intra-class correlation of ICBHI's annotations within recordings, 0.5.
PATIENT_SD, RECORDING_SD = 1.9, 2.2


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
        fine: Fraction of crackles that are fine, 0 to 1.
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
    """Return a patient; equal seeds and numbers give equal patients.

    Args:
        seed: Random seed of the corpus.
        number: Number of the patient, from 101.
    """
    position = number - FIRST_NUMBER
    split = SIDES[position % 5]
    diagnosis, device, crackle_z, wheeze_z = _block_assignment(seed, position)
    rng = generator(seed, Stream.PATIENT, number)
    adult = diagnosis in _FIGURES["adult_age"]
    age = _age(rng, diagnosis)
    crackle_share, wheeze_share = _FIGURES["shares"][diagnosis]
    return Patient(
        number=number,
        split=split,
        fold=int(generator(seed, Stream.FOLDS, position // 5).permutation(5)[position % 5]),
        diagnosis=diagnosis,
        device=device,
        demographics=_demographics(rng, age, adult),
        adult=adult,
        crackle_log_odds=_log_odds(crackle_share, crackle_z),
        wheeze_log_odds=_log_odds(wheeze_share, wheeze_z),
        breath_s=float(np.exp(rng.normal(1.17 if adult else 0.80, 0.30))),
        heart_rate=float(np.clip(rng.normal(76 if adult else 108, 11), 50, 150)),
        breath_db=float(rng.normal(0, 4)),
        tilt_db=float(rng.normal(0, 1.2)),
        fine=float(rng.beta(*_FIGURES["fine"].get(diagnosis, (2.0, 2.0)))),
        crackle_size=float(rng.beta(2, 2)),
        wheeze_hz=float(np.exp(rng.normal(np.log(330 if adult else 380), 0.40))),
    )


def _block_assignment(seed: int, position: int) -> tuple[str, str, float, float]:
    """Return diagnosis and device of a patient from the patient's block, and z-scores of crackles and wheezes.

    The z-scores are a stratified sample of the normal distribution (one from each of n equal quantile ranges). COPD
    patients and other patients of each side are separate strata, so that both sides of a block have severe cases.
    """
    block, place = divmod(position, 20)
    side = SIDES[place % 5]
    rng = generator(seed, Stream.BLOCK, block, SIDES.index(side))
    rare = _FIGURES["rare"][side]
    pairs = [pair for count, *pair in _FIGURES["common"][side] for _ in range(count)] + [rare[block % len(rare)]]
    order = rng.permutation(len(pairs))
    quantiles = rng.random((2, len(pairs)))
    groups = ([i for i, pair in enumerate(pairs) if (pair[0] == "COPD") is copd] for copd in (True, False))
    for group in groups:
        for row in quantiles:
            row[group] = (rng.permutation(len(group)) + row[group]) / len(group)
    earlier = sum(SIDES[i % 5] == side for i in range(place))  # patients of this side before this one
    chosen = order[earlier]
    crackle_z, wheeze_z = norm.ppf(quantiles[:, chosen])
    diagnosis, device = pairs[chosen]
    return diagnosis, device, float(crackle_z), float(wheeze_z)


def _log_odds(share: float, z: float) -> float:
    """Return a patient's log-odds of an adventitious sound in a cycle.

    Over all patients and recordings, the mean probability is `share`.

    For a normal x, E[logistic(x)] ≈ logistic(E[x] / sqrt(1 + 0.346 Var[x])) (Zeger, Liang & Albert, Biometrics 44,
    1049, 1988).

    Args:
        share: Mean fraction of cycles with the sound, between 0 and 1.
        z: z-score of the patient.
    """
    shrinkage = np.sqrt(1 + 0.346 * (PATIENT_SD**2 + RECORDING_SD**2))
    return float(logit(share) * shrinkage + PATIENT_SD * z)


def _age(rng: np.random.Generator, diagnosis: str) -> float:
    """Draw an age in years for a diagnosis."""
    if adult := _FIGURES["adult_age"].get(diagnosis):
        return round(float(np.clip(rng.normal(*adult), 19, 95)))
    age = float(np.clip(_FIGURES["child_age"][diagnosis] * np.exp(rng.normal(0, 0.8)), 0.25, 16))
    return round(age) if age >= 1 else round(age, 2)


def _demographics(rng: np.random.Generator, age: float, adult: bool) -> dict[str, Any]:
    """Draw demographics: BMI in kg/m² of adults, weight in kg and height in cm of children; some values are missing."""
    sex = "M" if rng.random() < (0.73 if adult else 0.52) else "F"
    bmi = float(np.clip(rng.normal(27.2, 5.0), 16.5, 54))
    height = float(np.clip(71.8 + 8.48 * age - 0.112 * age**2 + rng.normal(0, 7), 50, 185))
    weight = (height / 100) ** 2 * float(np.clip(rng.normal(17.0, 1.8), 13, 27))
    chance = rng.random()  # decides which values are missing
    if chance < 0.008:
        return dict.fromkeys(DEMOGRAPHICS)
    sizes = (round(bmi, 2), None, None) if adult else (None, round(weight, 1), round(height))
    return dict(zip(DEMOGRAPHICS, (age, sex, *(sizes if chance > 0.05 else (None,) * 3)), strict=True))
