"""Calibration, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.evaluation.calibration import brier, expected_calibration_error, reliability

PROBABILITIES = np.array([[0.92, 0.08], [0.84, 0.16], [0.28, 0.72], [0.45, 0.55]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 1])


def test_calibration_error_weighs_bins_by_their_cycles() -> None:
    parts = reliability(PROBABILITIES, LABELS, bins=2)
    assert len(parts) == 1
    assert parts[0] == pytest.approx({"confidence": (0.92 + 0.84 + 0.72 + 0.55) / 4, "accuracy": 0.75, "share": 1.0})
    by_ten = (0.08 + 0.84 + 0.28 + 0.45) / 4
    assert expected_calibration_error(PROBABILITIES, LABELS, bins=10) == pytest.approx(by_ten)


def test_certainty_that_is_right_has_no_error_and_no_distance() -> None:
    certain = np.eye(3, dtype=np.float32)
    assert expected_calibration_error(certain, np.arange(3), bins=15) == 0
    assert brier(certain, np.arange(3)) == 0
    assert brier(certain, np.array([1, 2, 0])) == 2


def test_brier_of_a_guess() -> None:
    assert brier(PROBABILITIES, LABELS) == pytest.approx(2 * np.mean([0.08**2, 0.84**2, 0.28**2, 0.45**2]), abs=1e-6)
