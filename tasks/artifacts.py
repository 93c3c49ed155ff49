"""Catalogue of artifacts: the path, title, maker and schema of everything that the stages make.

Stages, lineage, flows and cli take paths from here; dvc.yaml names the same paths, which a test compares. So this
module is no dep: a changed path changes dvc.yaml. Names of files within folders that networks read are in
`models.file_names`.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from models import file_names

DATA, REPORTS = Path("data"), Path("reports")

RAW = DATA / "raw"
RAW_AUDIO, RAW_METADATA, SOURCE = RAW / "audio", RAW / "metadata", RAW / "source.json"

EXTRACTED = DATA / "cycles"
RECORDINGS, CYCLES = EXTRACTED / "recordings.parquet", EXTRACTED / "cycles.parquet"
SUMMARY, CORPUS, LABEL_SETS = (EXTRACTED / f"{name}.json" for name in ("summary", "corpus", "label_sets"))
WAVEFORMS = EXTRACTED / "audio"

VERDICTS = DATA / "validation/results.json"
DATA_DOCS = REPORTS / "data_docs"
DATA_DOCS_INDEX = DATA_DOCS / "index.html"

FEATURE_CACHES = DATA / "fbank"
WEIGHTS = DATA / "weights"
TEACHERS, STUDENTS = DATA / "teachers", DATA / "student"
SOFT_LABELS = DATA / "soft_labels/soft_labels.parquet"

PREDICTIONS = DATA / "evaluation/predictions.parquet"
METRICS, SCORES, REPORT = REPORTS / "metrics.json", REPORTS / "scores.json", REPORTS / "report.html"
PLOTS = REPORTS / "plots"

RECORDS = DATA / "lineage"


@dataclass(frozen=True)
class Artifact:
    """Files of one kind.

    Attributes:
        pattern: Path relative to the project; ``*`` stands for a name from params.yaml or of a recording.
        title: Name for people.
        stage: Stage that makes it, without an item.
        schema: Name of its Arrow schema in `tasks.runtime.schemas`, for tables with fixed columns.
        in_git: Whether Git tracks the files instead of DVC's cache.
    """

    pattern: Path
    title: str
    stage: str
    schema: Literal["RECORDINGS", "CYCLES", "AUDIO"] | None = None
    in_git: bool = False

    @property
    def format(self) -> str:
        """Format of the files, by their suffix."""
        return self.pattern.suffix.removeprefix(".")

    def maker(self, path: Path) -> str:
        """Return the stage of one of the files, with its item: `fbank@ast` of ``data/fbank/ast/features.npy``."""
        return f"{self.stage}@{path.parent.name}" if self.pattern.parent.name == "*" else self.stage


CATALOGUE = (
    Artifact(RAW_AUDIO / "*.wav", "recording", "download"),
    Artifact(RAW_AUDIO / "*.txt", "annotation", "download"),
    Artifact(RAW_METADATA / "*", "metadata file", "download"),
    Artifact(SOURCE, "source of the recordings", "download"),
    Artifact(RECORDINGS, "table of recordings", "extract", "RECORDINGS"),
    Artifact(CYCLES, "table of cycles", "extract", "CYCLES"),
    Artifact(WAVEFORMS / "*.parquet", "table of waveforms", "extract", "AUDIO"),
    Artifact(SUMMARY, "summary of the cycles", "extract"),
    Artifact(CORPUS, "facts of the corpus", "extract"),
    Artifact(LABEL_SETS, "label sets", "extract"),
    Artifact(VERDICTS, "verdicts of the validation", "validate"),
    Artifact(DATA_DOCS / "*", "page of the Data Docs", "validate"),
    Artifact(FEATURE_CACHES / "*" / file_names.FEATURES, "array of features", "fbank"),
    Artifact(FEATURE_CACHES / "*" / file_names.INDEX, "index of the features", "fbank"),
    Artifact(FEATURE_CACHES / "*" / file_names.STATISTICS, "statistics of the features", "fbank"),
    Artifact(WEIGHTS / "*" / file_names.WEIGHTS, "set of initial weights", "weights"),
    Artifact(WEIGHTS / "*" / file_names.SOURCE, "source of the initial weights", "weights"),
    Artifact(TEACHERS / "*" / "*.safetensors", "weights of the teacher", "train_teacher"),
    Artifact(TEACHERS / "*" / file_names.CARD, "model card of the teacher", "train_teacher"),
    Artifact(TEACHERS / "*" / file_names.HISTORY, "training history of the teacher", "train_teacher"),
    Artifact(SOFT_LABELS, "table of soft labels", "soft_labels"),
    Artifact(STUDENTS / "*" / "*.safetensors", "weights of the student", "train_student"),
    Artifact(STUDENTS / "*" / file_names.CARD, "model card of the student", "train_student"),
    Artifact(STUDENTS / "*" / file_names.HISTORY, "training history of the student", "train_student"),
    Artifact(PREDICTIONS, "table of predictions", "evaluate"),
    Artifact(METRICS, "set of metrics", "evaluate", in_git=True),
    Artifact(SCORES, "set of Scores", "evaluate", in_git=True),
    Artifact(REPORT, "report", "evaluate"),
    Artifact(PLOTS / "*.csv", "table of a plot", "evaluate", in_git=True),
)


def find(path: str) -> Artifact | None:
    """Return the artifact that a file belongs to, by its path relative to the project."""
    return next((artifact for artifact in CATALOGUE if PurePosixPath(path).match(str(artifact.pattern))), None)


def next_step(path: Path) -> str | None:
    """Return how to restore an artifact that is missing or damaged; None for a file of no stage.

    DVC overwrites a damaged file with ``--force`` alone.

    Args:
        path: Path of an artifact, a record or another file, relative or absolute.
    """
    if path.parent.name == RECORDS.name and path.suffix == ".json":
        return f"`dvc checkout --force {RECORDS / path.name}` restores it, `dvc repro {path.stem}` makes it again"
    artifact = find(path.as_posix())
    if artifact is None:
        return None
    relative = PurePosixPath(*path.parts[-len(artifact.pattern.parts) :])
    restore = "git checkout" if artifact.in_git else "dvc checkout --force"
    return f"`{restore} {relative}` restores it, `dvc repro {artifact.maker(path)}` makes it again"
