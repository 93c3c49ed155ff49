"""How many patients, recordings and cycles there have to be, by what the source promises."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tasks.checks import custom
from tasks.checks.check import Check, check
from tasks.checks.gx import core
from tasks.corpora.icbhi import expected
from tasks.corpora.icbhi.labels import CLASSES

COMPLETE = "icbhi"  # `corpus` of the complete database; a part of it is "icbhi-part"
_HINT = "get the complete database again; or, for a part of it, set `download.expect: partial`"
_OWN_HINT = "run `extract` again: its summary and its tables disagree"

_recording = partial(check, key="recording_id")
_cycle = partial(check, key="cycle_id")


def allowed_on_both_sides(summary: Mapping[str, Any]) -> list[str]:
    """Return the patients that the source's split is known to have on both sides: of ICBHI two, else none."""
    return list(map(str, expected.PATIENTS_ON_BOTH_SIDES)) if summary["corpus"].startswith(COMPLETE) else []


def recordings(summary: Mapping[str, Any]) -> list[Check]:
    """Return the promises about recordings: ICBHI's own where it is complete, else what `extract` counted."""
    if summary["corpus"] != COMPLETE:
        return [_rows(_recording, "recordings", summary["recordings"], _OWN_HINT)]
    return [
        _rows(_recording, "recordings", expected.RECORDINGS, _HINT),
        _recording(
            "patients_count",
            "counts",
            core.ExpectColumnUniqueValueCountToBeBetween,
            f"There are {expected.PATIENTS} patients.",
            _HINT,
            column="patient_id",
            min_value=expected.PATIENTS,
            max_value=expected.PATIENTS,
        ),
        _recording(
            "recordings_per_side",
            "counts",
            custom.ExpectGroupCounts,
            f"There are {_listed(expected.SPLIT_RECORDINGS)} recordings.",
            _HINT,
            groups=["split"],
            promised=expected.SPLIT_RECORDINGS,
        ),
        _recording(
            "patients_per_diagnosis",
            "counts",
            custom.ExpectGroupCounts,
            f"There are {_listed(expected.DIAGNOSES)} patients.",
            _HINT,
            groups=["diagnosis"],
            distinct="patient_id",
            promised=expected.DIAGNOSES,
        ),
    ]


def cycles(summary: Mapping[str, Any]) -> list[Check]:
    """Return the promises about cycles: ICBHI's own where it is complete, else what `extract` counted."""
    if summary["corpus"] == COMPLETE:
        labels = "lungsound_4"
        counts = {
            f"{side} {name}": count
            for side, by_class in expected.SPLIT_CYCLES.items()
            for name, count in zip(CLASSES[labels], by_class, strict=True)
        }
        return [_rows(_cycle, "cycles", expected.CYCLES, _HINT), _per_class(labels, counts, _HINT)]
    return [
        _rows(_cycle, "cycles", summary["cycles"], _OWN_HINT),
        *(
            _per_class(
                labels,
                {
                    f"{side} {name}": count
                    for side, by_labels in summary["classes"].items()
                    for name, count in by_labels[labels].items()
                    if count
                },
                _OWN_HINT,
            )
            for labels in CLASSES
        ),
    ]


def _rows(of: partial[Check], what: str, count: int, hint: str) -> Check:
    """Return the promise of a table's rows."""
    meaning = f"There are {count} {what}."
    return of(f"{what}_count", "counts", core.ExpectTableRowCountToEqual, meaning, hint, value=count)


def _per_class(labels: str, counts: Mapping[str, int], hint: str) -> Check:
    """Return the promise of cycles by side of the split and class."""
    return _cycle(
        f"cycles_per_{labels}",
        "counts",
        custom.ExpectGroupCounts,
        f"There are {_listed(counts)} cycles.",
        hint,
        groups=["split", labels],
        promised=dict(counts),
    )


def _listed(counts: Mapping[str, int]) -> str:
    """Return counts as words."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
