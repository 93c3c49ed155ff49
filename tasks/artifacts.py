"""Catalogue of artifacts: the path, title, maker and schema of everything that the stages make.

Stages, lineage, flows and cli take paths from here; dvc.yaml names the same paths, which a test compares. So this
module is no dep: a changed path changes dvc.yaml. Names of files within folders that networks read are in
`models.file_names`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from models import file_names

Role = Literal["training", "external"]  # learned from, or only tested on
OF_EACH_CORPUS = ("download", "extract", "validate", "fbank")  # work that each corpus has a stage for
DATA, REPORTS = Path("data"), Path("reports")

# Names within the folders of one corpus; see `CorpusFolders`.
AUDIO, METADATA, SOURCE = "audio", "metadata", "source.json"
OWN_AUDIO = (".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".mp4", ".aac")  # of a user's own recordings
VERDICTS, DATA_DOCS_INDEX = "results.json", "index.html"

# Of all training corpora together.
FEATURE_CACHES = DATA / "fbank"
POOL = DATA / "cycles"
RECORDINGS, CYCLES = POOL / "recordings.parquet", POOL / "cycles.parquet"
SUMMARY, CORPUS, LABEL_SETS = (POOL / f"{name}.json" for name in ("summary", "corpus", "label_sets"))

WEIGHTS = DATA / "weights"
TEACHERS, STUDENTS = DATA / "teachers", DATA / "student"
SOFT_LABELS = DATA / "soft_labels/soft_labels.parquet"

# Of external corpora together: what `evaluate` reads.
EXTERNAL = DATA / "external"
TESTED = EXTERNAL / "tested"
EXTERNAL_CORPORA = TESTED / "corpora.json"
# Of the checks of external corpora together: what `report` reads.
EXTERNAL_VALIDATION = EXTERNAL / "validation"
EXTERNAL_VALIDATED = EXTERNAL_VALIDATION / "corpora.json"

PREDICTIONS = DATA / "evaluation/predictions.parquet"
EXTERNAL_PREDICTIONS = DATA / "evaluation/external.parquet"
NATIVE_PREDICTIONS = DATA / "evaluation/native.parquet"
METRICS, SCORES, REPORT = REPORTS / "metrics.json", REPORTS / "scores.json", REPORTS / "report.html"
PLOTS = REPORTS / "plots"
EMBEDDINGS, MAPS = (DATA / "explanation" / f"{name}.parquet" for name in ("embeddings", "maps"))
EXPLANATION = REPORTS / "explanation.json"
EXPORTS = DATA / "export"
WITHDRAWALS = REPORTS / "withdrawals"  # letters of `breathline withdraw`
AUDIT_EXPORTS = REPORTS / "audit"  # written by `breathline audit export`, not by a stage

RECORDS = DATA / "lineage"


@dataclass(frozen=True)
class CorpusFolders:
    """Folders of one corpus. No training depends on those of an external corpus.

    Attributes:
        role: Whether the corpus is learned from, or only tested on.
        name: Name of the corpus in params.yaml; ``*`` for any.
    """

    role: Role
    name: str

    @property
    def _data(self) -> Path:
        return DATA if self.role == "training" else EXTERNAL

    @property
    def raw(self) -> Path:
        """Folder of the recordings, their annotations and metadata."""
        return self._data / "raw" / self.name

    @property
    def tables(self) -> Path:
        """Folder of the tables of recordings and cycles, and of the facts of the corpus."""
        return (DATA / "extracted" if self.role == "training" else TESTED) / self.name

    @property
    def waveforms(self) -> Path:
        """Folder of the cycles' waveforms."""
        return self._data / "waveforms" / self.name

    @property
    def verdicts(self) -> Path:
        """File of the verdicts of the validation."""
        return self._data / "validation" / self.name / VERDICTS

    @property
    def data_docs(self) -> Path:
        """Folder of the pages of the validation."""
        return (REPORTS if self.role == "training" else REPORTS / "external") / "data_docs" / self.name

    def features(self, frontend: str) -> Path:
        """Return the folder of the features of one front end."""
        if self.role == "training":
            return FEATURE_CACHES / frontend / self.name
        return self.tables / "fbank" / frontend

    def stage(self, name: str, frontend: str | None = None) -> str:
        """Return the name of one of the corpus's stages: `fbank@demo-ast`, or `extract_external@hospital`."""
        item = self.name if frontend is None else f"{self.name}-{frontend}"
        return f"{stage_name(name, self.role)}@{item}"


def corpus_of(stage: str) -> tuple[str, CorpusFolders, str | None] | None:
    """Return the work, the corpus and the front end of a stage of one corpus; None for other stages.

    `fbank_external@hospital-ast` is the work `fbank` on the external corpus `hospital` with the front end `ast`.
    """
    group, _, item = stage.partition("@")
    own, separator, rest = group.partition("_external")
    if rest or own not in OF_EACH_CORPUS:
        return None
    name, _, frontend = item.rpartition("-") if own == "fbank" else (item, "", None)
    return own, CorpusFolders("external" if separator else "training", name), frontend


def stage_name(stage: str, role: Role) -> str:
    """Return the name of a stage of each corpus, without an item: `extract`, or `extract_external`."""
    return stage if role == "training" else f"{stage}_{role}"


@dataclass(frozen=True)
class Artifact:
    """Files of one kind.

    Attributes:
        pattern: Path relative to the project; ``*`` stands for a name from params.yaml or of a recording.
        title: Name for people.
        stage: Stage that makes it, without an item.
        schema: Name of its Arrow schema in `tasks.runtime.schemas`, for tables with fixed columns.
        in_git: Whether Git tracks the files instead of DVC's cache.
        item: Item of its stage: numbers stand for the names in place of the ``*`` of the folders, from left to right;
            empty for a stage without items.
    """

    pattern: Path
    title: str
    stage: str
    schema: Literal["RECORDINGS", "CYCLES", "AUDIO"] | None = None
    in_git: bool = False
    item: str = "{0}"

    @property
    def format(self) -> str:
        """Format of the files, by their suffix."""
        return self.pattern.suffix.removeprefix(".")

    def maker(self, path: Path) -> str:
        """Return the stage of one of the files: `fbank@demo-ast` of ``data/fbank/ast/demo/features.npy``."""
        parts = self.pattern.parts
        names = [name for name, part in zip(path.parts[-len(parts) :], parts[:-1], strict=False) if part == "*"]
        return f"{self.stage}@{self.item.format(*names)}" if names and self.item else self.stage


def _of_corpora(role: Role) -> Iterator[Artifact]:
    """Yield the artifacts of each corpus of a role."""
    folders = CorpusFolders(role, "*")
    download, extract, validate, fbank = (stage_name(stage, role) for stage in OF_EACH_CORPUS)
    for suffix in (".wav", *OWN_AUDIO):
        yield Artifact(folders.raw / AUDIO / f"*{suffix}", "recording", download)
    for suffix in (".txt", ".json", ".tsv"):
        yield Artifact(folders.raw / AUDIO / f"*{suffix}", "annotation", download)
    yield Artifact(folders.raw / METADATA / "*", "metadata file", download)
    yield Artifact(folders.raw / SOURCE, "source of the recordings", download)
    yield Artifact(folders.tables / RECORDINGS.name, "table of recordings", extract, "RECORDINGS")
    yield Artifact(folders.tables / CYCLES.name, "table of cycles", extract, "CYCLES")
    yield Artifact(folders.tables / SUMMARY.name, "summary of the cycles", extract)
    yield Artifact(folders.tables / CORPUS.name, "facts of the corpus", extract)
    yield Artifact(folders.tables / LABEL_SETS.name, "label sets", extract)
    yield Artifact(folders.waveforms / "*.parquet", "table of waveforms", extract, "AUDIO")
    yield Artifact(folders.verdicts, "verdicts of the validation", validate)
    yield Artifact(folders.data_docs / "*", "page of the Data Docs", validate)
    item = "{1}-{0}" if role == "training" else "{0}-{1}"
    for name, title in (
        (file_names.FEATURES, "array of features"),
        (file_names.INDEX, "index of the features"),
        (file_names.STATISTICS, "statistics of the features"),
    ):
        yield Artifact(folders.features("*") / name, title, fbank, item=item)


CATALOGUE = (
    *(artifact for role in get_args(Role) for artifact in _of_corpora(role)),
    Artifact(EXTERNAL_CORPORA, "list of the external corpora", "external"),
    Artifact(EXTERNAL_VALIDATED, "list of the external corpora that were validated", "external"),
    Artifact(RECORDINGS, "table of recordings of all training corpora", "pool", "RECORDINGS"),
    Artifact(CYCLES, "table of cycles of all training corpora", "pool", "CYCLES"),
    Artifact(SUMMARY, "summary of the cycles of all training corpora", "pool"),
    Artifact(CORPUS, "facts of the training corpora", "pool"),
    Artifact(LABEL_SETS, "label sets of the training corpora", "pool"),
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
    Artifact(EXTERNAL_PREDICTIONS, "table of predictions on external corpora", "evaluate"),
    Artifact(NATIVE_PREDICTIONS, "table of predictions in the own classes of each corpus", "evaluate"),
    Artifact(METRICS, "set of metrics", "evaluate", in_git=True),
    Artifact(SCORES, "set of Scores", "evaluate", in_git=True),
    Artifact(PLOTS / "*.csv", "table of a plot", "evaluate", in_git=True),
    Artifact(EMBEDDINGS, "table of embeddings", "explain"),
    Artifact(MAPS, "table of maps over spectrograms", "explain"),
    Artifact(EXPLANATION, "set of figures of the explanation", "explain", in_git=True),
    Artifact(EXPORTS / "*" / file_names.WEIGHTS, "weights of the export", "export", item=""),
    Artifact(EXPORTS / "*" / "*.onnx", "network of the export in ONNX", "export", item=""),
    Artifact(EXPORTS / "*" / file_names.CARD, "card of the export", "export", item=""),
    Artifact(EXPORTS / "*" / "*.json", "configuration of the export", "export", item=""),
    Artifact(EXPORTS / "*" / "*.py", "example of use of the export", "export", item=""),
    Artifact(EXPORTS / "*" / "*.md", "README of the export", "export", item=""),
    Artifact(REPORT, "report", "report"),
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
