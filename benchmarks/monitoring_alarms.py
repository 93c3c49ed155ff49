"""False and right alarms of monitoring in simulation: ``python -m benchmarks.monitoring_alarms [LOGS]``.

The first table has the share of logs without a shift that raise an alarm: by the default thresholds, and by the tests
alone at a level of 5 %. The second has the share of shifted logs that the default thresholds find.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from flows.publish.markdown import table
from tasks.monitoring import drift
from tasks.monitoring.settings import Thresholds
from tests.unit.tasks.monitoring.simulated import USUAL, Ward, card

PATIENTS, SIZES = (7, 15, 30, 120), (30, 100)  # patients that the model learned from; recordings in a log
MODELS = 25
DEFAULT, TESTS = Thresholds(), Thresholds(psi=1e-9, p=0.05)
SHIFTS = {
    "level 9 dB lower (1.3 sd)": replace(USUAL, level=-39.0),
    "confidence 0.82 to 0.38": replace(USUAL, confidence=-0.5),
    "normal 60 % to 30 %": replace(USUAL, classes=(0.3, 0.4, 0.3)),
    "distance 1.4 sd larger": replace(USUAL, distance=5.0),
}


@cache
def references(patients: int) -> list[dict[str, Any]]:
    """Return the references of models that learned from a number of patients each."""
    return [card(seed=1000 + seed, patients=patients)["reference"] for seed in range(MODELS)]


def share(logs: int, patients: int, alarm: Callable[[int, dict[str, Any]], bool]) -> str:
    """Return the share of logs that raise an alarm, in percent."""
    found = references(patients)
    return f"{100 * sum(alarm(seed, found[seed % MODELS]) for seed in range(logs)) / logs:.1f}"


def raised(
    ward: Ward, size: int, thresholds: Thresholds, *, same_patients: bool = False
) -> Callable[[int, dict[str, Any]], bool]:
    """Return a function from a seed and a reference to whether a log raises an alarm."""

    def alarm(seed: int, reference: dict[str, Any]) -> bool:
        entries, _ = ward.entries(size, seed, patients=same_patients)
        (found,) = drift.compare(reference, [("all", entries)], thresholds)
        return bool(found.alerts)

    return alarm


def false_alarms(logs: int) -> Iterator[list[str]]:
    """Yield the rows of the first table."""
    for patients in PATIENTS:
        for words, same in (("one", False), ("four", True)):
            cells = (
                share(logs, patients, raised(USUAL, size, thresholds, same_patients=same))
                for thresholds in (DEFAULT, TESTS)
                for size in SIZES
            )
            yield [str(patients), words, *cells]


def main(logs: int) -> None:
    """Print both tables."""
    header = [f"{words}, {size} recordings" for words in ("default", "tests at 5 %") for size in SIZES]
    sys.stdout.write(table(["patients learned from", "recordings a patient", *header], false_alarms(logs)) + "\n\n")
    rows = [
        [words, *(share(logs, patients, raised(ward, 60, DEFAULT)) for patients in PATIENTS)]
        for words, ward in SHIFTS.items()
    ]
    columns = [f"{patients} patients" for patients in PATIENTS]
    sys.stdout.write(table(["shift, 60 recordings", *columns], rows) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
