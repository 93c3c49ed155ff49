"""Official split and folds of ICBHI 2017 that come with the project, for copies of the corpus without these files.

The names are those of the official files: `expected.CORRECTIONS` has the one that differs from its recording's.
"""

from collections.abc import Collection, Mapping

from tasks.corpora.contents import Metadata
from tasks.corpora.icbhi import expected, facts, known_recordings, names
from tasks.corpora.icbhi.metadata import DEMOGRAPHICS_FILE, DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed
from tasks.sources.collection import Member

# Line of each metadata file that a user may have to find or write.
LINES = {
    SPLIT_FILE: "the name of a recording, and train or test",
    DIAGNOSIS_FILE: "the number of a patient, and the diagnosis",
    DEMOGRAPHICS_FILE: "the number of a patient, age, sex, BMI, weight and height",
}


def of_source(
    missing: Collection[str], audio: Mapping[str, Member], annotations: Mapping[str, Member]
) -> dict[str, bytes]:
    """Return the content of the metadata files that a source lacks, if all of its recordings are ICBHI's.

    Args:
        missing: Official names of the files that the source lacks.
        audio: Audio file of each recording.
        annotations: Annotation of each recording.

    Raises:
        BreathlineError: The source lacks the split file, and some of its recordings are not ICBHI's.
    """
    wanted = {name: table() for name, table in {SPLIT_FILE: _split, FOLDS_FILE: _folds}.items() if name in missing}
    if not wanted:
        return {}
    others = known_recordings.others(audio, annotations)
    if others and SPLIT_FILE in missing:
        raise BreathlineError(
            f"The split file {SPLIT_FILE} is missing. The official split that comes with Breathline holds for the "
            f"published recordings only. Other names, annotations or audio: {counted(len(others), 'recording')} of "
            f"{len(audio)} ({listed(others)}).",
            where="the source, the folder beside it, and the folder `metadata` of params.yaml",
            hint=hint(SPLIT_FILE),
        )
    return {} if others else wanted


def hint(name: str) -> str:
    """Return the next step where a metadata file is missing.

    Args:
        name: Official name of the file.
    """
    return (
        "put the file beside the source, or into a folder and name that as `metadata` in params.yaml; for ICBHI 2017, "
        f"look for {name} on {facts.TEXTS['icbhi']['homepage']}; "
        f"for own recordings, write it: each line has {LINES[name]}"
    )


def check_split(metadata: Metadata, where: object) -> None:
    """Refuse a split that differs from the official one.

    Args:
        metadata: Metadata of recordings that are verified to be ICBHI's.
        where: The split file.

    Raises:
        BreathlineError: A recording is on the other side of the official split.
    """
    known = known_recordings.read()
    moved = [name for name, row in metadata.recordings.items() if row["split"] != known[name]["split"]]
    if moved:
        raise BreathlineError(
            f"The split file differs from the official split of ICBHI 2017 for {counted(len(moved), 'recording')}: "
            f"{listed(moved)}.",
            where=where,
            hint="remove the file (the official split comes with Breathline), or fetch the official one again",
        )


def _split() -> bytes:
    """Return the official split as a file."""
    in_split = {recording_id: name for name, recording_id in expected.CORRECTIONS.items()}
    rows = known_recordings.read().items()
    return "".join(f"{in_split.get(name, name)}\t{row['split']}\r\n" for name, row in rows).encode("ascii")


def _folds() -> bytes:
    """Return the fold of each patient as a file."""
    folds = {names.parse(name).patient_id: row["fold"] for name, row in known_recordings.read().items()}
    return "".join(f"{patient} {fold}\n" for patient, fold in folds.items()).encode("ascii")
