"""Origin, annotation, gaps and limits of a corpus in the vocabulary of Croissant RAI 1.0 (responsible AI)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.exports import corpora
from lineage.exports.corpora import Part
from lineage.project import Project
from tasks import artifacts
from tasks.exporting import statements
from tasks.runtime.artifact_reading import read_table

GROUPS = ("device", "location", "sex", "diagnosis")  # columns of recordings whose balance is stated
NOT_IMPUTED = "Nothing is imputed: unknown values stay null, and a cycle without a label has no class."


def properties(project: Project, part: Part, made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of the data of a corpus; each is a statement about the corpus, or follows from its tables.

    Args:
        project: The project.
        part: The corpus.
        made: Record of the stage that made the data.

    Raises:
        BreathlineError: The table of recordings is missing or damaged.
    """
    facts = part.facts
    labels = [
        f"{name}: {one.description}, of the classes {', '.join(one.classes)}" for name, one in facts.label_sets.items()
    ]
    found = {
        "dataCollection": f"{facts.description} {statements.terms(facts)}",
        "dataCollectionRawData": _source(part),
        "dataCollectionMissingData": _gaps(part),
        "dataImputationProtocol": NOT_IMPUTED,
        "dataPreprocessingProtocol": _steps(part, made),
        "dataAnnotationProtocol": [f"A cycle is {facts.cycle}.", *labels],
        "dataBiases": _balance(project, part),
        "dataUseCases": list(statements.INTENDED),
        "dataLimitations": list(facts.limits),
        "personalSensitiveInformation": list(facts.personal),
    }
    return {f"rai:{name}": value for name, value in found.items()}


def _source(part: Part) -> str:
    """Return the source of the recordings, with the hash of its archive."""
    archive = part.source.get("archive")
    files = f"Archive {archive['name']}, SHA-256 {archive['sha256']}." if archive else "There was no archive."
    return f"{part.facts.identity.statement}: {part.facts.origin}. {files}"


def _gaps(part: Part) -> str:
    """Return the number of missing recordings, and of those that were left out, by reason."""
    missing = len(part.source.get("missing", ()))
    left_out = [f"Left out, {reason}: {number}." for reason, number in part.dropped.items()]
    return " ".join([f"Recordings that the published division names, and the source lacks: {missing}.", *left_out])


def _steps(part: Part, made: Mapping[str, Any]) -> list[str]:
    """Return the steps from recordings to cycles, and the command of the stage."""
    stage = f"{made['stage']}: {made['command']}"
    if not made["stage"].startswith("extract"):
        return [f"Features of the waveforms by a front end. {stage}"]
    folder = part.folders.waveforms.as_posix()
    outs = [file["path"] for out in made["outputs"] for file in out.get("files", [out])]
    rates = sorted(int(Path(path).stem) for path in outs if path.startswith(f"{folder}/"))
    resampled = f"Recordings are resampled to {' and '.join(map(str, rates))} Hz and mixed to mono"
    return [f"{resampled}, then cut at the annotated times.", stage]


def _balance(project: Project, part: Part) -> list[str]:
    """Return the number of recordings by device, place, sex and diagnosis, the most frequent value first."""
    path = corpora.existing_table(project, part.folders.tables / artifacts.RECORDINGS.name)
    rows: Sequence[Mapping[str, Any]] = read_table(path, list(GROUPS)).to_pylist()
    counts = {name: Counter(row[name] or "unknown" for row in rows) for name in GROUPS}
    return [f"Recordings by {name}: {_ordered(found)}." for name, found in counts.items()]


def _ordered(found: Mapping[str, int]) -> str:
    pairs = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{value} {number}" for value, number in pairs)
