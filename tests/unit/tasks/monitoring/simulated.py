"""A simulated ward: patients with recordings of several segments each, and the log of a model's use there."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.monitoring.reference import Inputs, Outputs, reference
from tasks.prediction.use_entries import Entry

CLASSES = ("normal", "crackle", "wheeze")
MODEL_ID = "0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Ward:
    """Distributions of a population; segments of one recording resemble each other, as do recordings of a patient."""

    level: float = -30.0
    centroid: float = 250.0
    seconds: float = 20.0
    rates: tuple[float, ...] = (0.3, 0.7)  # shares of 4,000 and 44,100 Hz
    devices: tuple[float, ...] = (0.5, 0.5)
    classes: tuple[float, ...] = (0.6, 0.25, 0.15)
    confidence: float = 1.0  # mean of the logit
    distance: float = 3.0
    not_judged: float = 0.02

    def entries(self, number: int, seed: int, *, patients: bool = False) -> tuple[list[Entry], list[str]]:
        """Return entries of recordings, and the patient of each: four recordings a patient, or one."""
        rng = np.random.default_rng(seed)
        found, names = [], []
        while len(found) < number:
            shift = rng.normal(size=4)
            for _ in range(4 if patients else 1):
                names.append(f"p{len(found) // 4}" if patients else f"p{len(found)}")
                found.append(self._entry(rng, shift))
        return found[:number], names[:number]

    def _entry(self, rng: np.random.Generator, shift: np.ndarray) -> Entry:
        own = shift + 0.5 * rng.normal(size=4)
        segments = int(rng.integers(3, 12))
        judged = rng.random() >= self.not_judged
        favourite = rng.choice(3, p=self.classes)
        drawn = [favourite if rng.random() < 0.6 else rng.choice(3, p=self.classes) for _ in range(segments)]
        logits = self.confidence + 0.7 * own[2] + 0.5 * rng.normal(size=segments)
        names = [CLASSES[one] for one in drawn] if judged else []
        return Entry(
            time="2026-11-02T08:00:00+00:00",
            file_sha256=rng.bytes(32).hex(),
            file_name=None,
            seconds=float(self.seconds * np.exp(0.1 * own[3])),
            sample_rate=int(rng.choice([4000, 44100], p=self.rates)),
            level_dbfs=float(self.level + 6 * own[0]),
            centroid_hz=float(self.centroid * np.exp(0.3 * own[1])),
            device=str(rng.choice(["Littmann", "Meditron"], p=self.devices)),
            model="student@v1.0.0",
            model_id=MODEL_ID,
            segments=segments,
            abnormal_share=None,
            decisions={"judged" if judged else "not_judged": segments},
            predicted={name: names.count(name) for name in dict.fromkeys(names)},
            confidence=[float(one) for one in 1 / (1 + np.exp(-logits))] if judged else [],
            distance=[float(one) for one in self.distance + own[2] + rng.normal(size=segments)] if judged else [],
            user="ward",
        )


USUAL = Ward()


def card(ward: Ward = USUAL, *, patients: int = 120, seed: int = 7) -> dict[str, Any]:
    """Return the card of a model that learned from a ward, with four recordings of each patient."""
    entries, names = ward.entries(4 * patients, seed, patients=True)
    judged = [(entry, name) for entry, name in zip(entries, names, strict=True) if entry.confidence]
    inputs = Inputs(
        patient=names,
        level_dbfs=[one.level_dbfs for one in entries],
        centroid_hz=[one.centroid_hz for one in entries],
        duration_s=[one.seconds or 0.0 for one in entries],
        sample_rate=[one.sample_rate or 0 for one in entries],
        device=[one.device for one in entries],
        usable=["judged" in one.decisions for one in entries],
    )
    outputs = Outputs(
        recording=[one.file_sha256 for one, _ in judged for _ in one.confidence],
        patient=[name for one, name in judged for _ in one.confidence],
        decision=["judged" for one, _ in judged for _ in one.confidence],
        predicted=[name for one, _ in judged for name, count in one.predicted.items() for _ in range(count)],
        confidence=[value for one, _ in judged for value in one.confidence],
        distance=[value for one, _ in judged for value in one.distance],
    )
    return {"id": MODEL_ID, "reference": reference(inputs, outputs)}
