"""Judgement of recordings and segments: usable or not, certain or not, like the training cycles or not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from tasks.audio.limits import WHOLE
from tasks.checks import usability
from tasks.checks.settings import UnusableLimits
from tasks.prediction.calibration import calibrate
from tasks.prediction.engines.base import Outputs
from tasks.prediction.fact_parts import Conformal
from tasks.prediction.facts import ModelFacts

Decision = Literal["judged", "uncertain", "unlike", "not_judged"]
NOT_JUDGED = "not judged"  # start of the note on a recording or segment without a class
UNLIKE = "unlike anything the model learned from"

BAND_HZ = 400.0  # the band of each of 1,700 segments of real lung sounds ends above 460 Hz
OF_SEGMENTS = ("max_constant_s", "max_silent_fraction")  # a night may have an hour without a sound


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Judgement of one segment.

    Attributes:
        decision: One of four words. `uncertain`: the conformal set has not one class. `unlike`: the segment is further
            from the training cycles than the model's limit. `not_judged`: the segment is not usable. Else `judged`.
        predicted: Class by the decision rule of the model; None if not judged.
        classes: Conformal set, most probable class first; the predicted class alone for a model without sets.
        probabilities: Probability of each class by the network, in the order of the classes; None if not judged.
        confidence: Largest calibrated probability; None if not judged.
        distance: Distance from the training cycles; None if it is not known.
        abnormal: True if the conformal set leaves out the normal class, False if the set is the normal class alone.
            None (open) for all else: sets with the normal class and another, empty sets, `unlike`, `not_judged`.
        reasons: Reasons of the decision; empty for `judged`.
    """

    decision: Decision
    predicted: str | None = None
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] | None = None
    confidence: float | None = None
    distance: float | None = None
    abnormal: bool | None = None
    reasons: tuple[str, ...] = ()


def abnormal_share(segments: Iterable[bool | None]) -> float | None:
    """Return the share of abnormal ones among the abnormal and normal segments, 0 to 1; None without any.

    Args:
        segments: `Judgement.abnormal` of each segment.
    """
    closed = [one for one in segments if one is not None]
    return sum(closed) / len(closed) if closed else None


def unusable(reasons: tuple[str, ...]) -> Judgement:
    """Return the judgement of a segment or recording that is not usable."""
    return Judgement(decision="not_judged", reasons=reasons)


class Judge:
    """Judgement by the limits that a model states about itself.

    Args:
        facts: Facts of the model.
        limits: Limits of usable recordings; those of the model, or else the defaults, if None.
    """

    def __init__(self, facts: ModelFacts, limits: UnusableLimits | None = None) -> None:
        self.facts = facts
        self.limits = limits or facts.quality_limits or usability.DEFAULTS
        self._segment_limits = replace(self.limits, max_constant_s=np.inf)  # a part of it is silent frames
        rates = [int(rate) for corpus in facts.corpora for rate in corpus.sample_rates]
        self._lowest_rate = min(rates, default=0)

    def recording(self, measures: Mapping[str, float | None], rate: int) -> tuple[str, ...]:
        """Return the reasons why a whole recording is not usable; none for a usable one.

        Args:
            measures: Measures of the recording (`tasks.prediction.stream.measures`).
            rate: Sample rate of the recording in Hz.
        """
        limits = self.limits
        if (measures["duration_s"] or 0) > WHOLE.seconds:
            limits = replace(limits, **dict.fromkeys(OF_SEGMENTS, np.inf))
        return self._band(rate) or usability.unusable(measures, limits)

    def segment(self, measures: Mapping[str, float | None]) -> tuple[str, ...]:
        """Return the reasons why a segment is not usable; none for a usable one.

        Args:
            measures: Measures of what the model hears of it.
        """
        if "peak" not in measures:
            return ("no samples",)
        found = usability.unusable(measures, self._segment_limits)
        band = measures["band_hz"]
        if not found and band is not None and band < BAND_HZ:
            found = (f"wrong band: the sound ends at {band:,.0f} Hz, and lung sounds reach {BAND_HZ:,.0f} Hz",)
        return found

    def _band(self, rate: int) -> tuple[str, ...]:
        """Return the reason why a sample rate has too small a band; none for another."""
        if rate * 2 >= self._lowest_rate:
            return ()
        return (
            f"wrong band: {rate:,} Hz hold sounds up to {rate / 2:,.0f} Hz, and the model learned from recordings of "
            f"{self._lowest_rate:,} Hz and more",
        )

    def segments(self, outputs: Outputs) -> list[Judgement]:
        """Return the judgement of usable segments, in the order of the outputs."""
        calibrated = calibrate(outputs.probabilities, self.facts.temperature)
        distances = outputs.distances
        return [
            self._judgement(
                outputs.probabilities[row],
                int(outputs.decisions[row]),
                calibrated[row],
                None if distances is None else float(distances[row]),
            )
            for row in range(len(calibrated))
        ]

    def _judgement(
        self,
        probabilities: npt.NDArray[np.float32],
        decision: int,
        calibrated: npt.NDArray[np.float64],
        distance: float | None,
    ) -> Judgement:
        if not np.isfinite(probabilities).all():
            return unusable(("its features are not finite numbers",))
        names, conformal, novelty = self.facts.classes, self.facts.conformal, self.facts.novelty
        found = Judgement(
            decision="judged",
            predicted=names[decision],
            classes=(names[decision],),
            probabilities=tuple(map(float, probabilities)),
            confidence=float(calibrated.max()),
            distance=distance,
            abnormal=decision != 0,
        )
        size = 1
        if conformal is not None:
            order = np.argsort(-calibrated, kind="stable")
            inside = [index for index in order if 1 - calibrated[index] <= conformal.quantile]
            size, shown = len(inside), inside or [int(order[0])]
            abnormal = None if not inside or (0 in inside and size > 1) else 0 not in inside
            found = replace(found, classes=tuple(names[index] for index in shown), abnormal=abnormal)
        if novelty is not None and distance is not None and distance > novelty.threshold:
            reason = f"{UNLIKE}: distance {distance:.3g}, limit {novelty.threshold:.3g}"
            return replace(found, decision="unlike", abnormal=None, reasons=(reason,))
        if conformal is not None and size != 1:
            listed = " or ".join(found.classes) if size else f"no class is likely enough, {found.classes[0]} is nearest"
            reason = f"uncertain: {listed} ({_coverage(conformal)})"
            return replace(found, decision="uncertain", reasons=(reason,))
        return found


def _coverage(conformal: Conformal) -> str:
    """Return how often conformal sets held the right class: as measured on test cycles, or else as wanted."""
    if conformal.covered is not None:
        return f"sets held the right class for {conformal.covered:.0%} of test cycles"
    return f"sets hold the right class for {conformal.coverage:.0%} of validation cycles, as wanted"
