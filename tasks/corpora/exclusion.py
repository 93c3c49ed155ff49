"""Exclusion of patients from a corpus.

Recordings, annotations and lines of metadata of an excluded patient are left out. The patient's id and the number of
recordings remain in params.yaml, `source.json` and the record of `download`, so that the gap can be accounted for.
"""

from collections.abc import Collection
from dataclasses import replace

from tasks.corpora.contents import Metadata
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import natural

KEY = "exclude_patients"


def count(metadata: Metadata, patients: Collection[str]) -> dict[str, int]:
    """Return the number of recordings of each excluded patient, in natural order.

    Args:
        metadata: Metadata of all recordings of the source.
        patients: Ids of the excluded patients.

    Raises:
        BreathlineError: The source has no such patient. A wrong id would leave the right patient in.
    """
    found = [row["patient_id"] for row in metadata.recordings.values()]
    counts = {patient: found.count(patient) for patient in sorted(patients, key=natural)}
    unknown = [patient for patient in counts if patient not in {*found, *metadata.missing.values()}]
    if unknown:
        raise BreathlineError(
            f"The source has no patient {', '.join(unknown)} to leave out.",
            where=f"params.yaml: {KEY}",
            hint="correct the id, or remove it where the source no longer has the patient",
        )
    return counts


def without(metadata: Metadata, patients: Collection[str]) -> Metadata:
    """Return metadata without the recordings and facts of some patients."""
    kept = {name: row for name, row in metadata.recordings.items() if row["patient_id"] not in patients}
    return replace(
        metadata,
        recordings=kept,
        patients={patient: row for patient, row in metadata.patients.items() if patient not in patients},
        missing={name: patient for name, patient in metadata.missing.items() if patient not in patients},
        corrections=[correction for correction in metadata.corrections if correction.recording_id in kept],
    )
