"""Facts of the corpus that `extract` writes and all later stages read instead of a corpus adapter.

Learning depends on the label sets alone. They have a file of their own, so that a new citation retrains nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tasks import artifacts
from tasks.runtime.artifact_reading import parse, read_json
from tasks.runtime.files import write_json

PATIENT = "patient"
Segments = Literal["cycles", "events", "recordings"]
FOLDER, CORPUS, LABEL_SETS = artifacts.POOL, artifacts.CORPUS.name, artifacts.LABEL_SETS.name


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Result of comparing the recordings with the published corpus.

    Attributes:
        name: Short name for tables and boards, such as ``demo``; equal names mean comparable corpora, except for parts.
        statement: Name of the recordings as a phrase, to be shown to people.
        evidence: Sentence that says what was compared.
        verified: Whether all recordings are those of the published corpus.
        complete: Whether all recordings of the published corpus are here.
        recordings: Number of recordings here.
        known_recordings: Number of recordings in the published corpus; None if there is no published corpus.
        matched_annotations: Number of recordings whose annotation equals the published one.
        matched_audio: Number of recordings whose audio equals the published one.
    """

    name: str
    statement: str
    evidence: str
    verified: bool
    complete: bool
    recordings: int
    known_recordings: int | None = None
    matched_annotations: int = 0
    matched_audio: int = 0


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """Classes of one label set, in the order of their indices in the column; class 0 is the normal one."""

    column: str
    classes: tuple[str, ...]
    description: str

    @property
    def normal(self) -> str:
        """The name of the normal class."""
        return self.classes[0]


@dataclass(frozen=True, kw_only=True)
class GroupColumn:
    """Column by which results are grouped, its title, and words for its values."""

    column: str
    title: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Licence:
    """Terms of use: a short name, the terms in words, and a URL where there is one."""

    name: str
    text: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Published:
    """Published result on the complete corpus, in percent, the Score with its standard deviation over seeds.

    Attributes:
        method: Method and source.
        labels: Label set.
        split: Split.
        definition: Definition of sensitivity.
        selection: Choice of the epoch: on the test set (``paper``), or without it (``val``).
        sp: Specificity.
        se: Sensitivity.
        score: Mean of both.
        recipes: Recipes of the same method.
    """

    method: str
    labels: str
    split: str
    definition: Literal["strict", "lenient"]
    selection: Literal["paper", "val"]
    sp: str
    se: str
    score: str
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """Facts of a corpus, for reports, boards, cards and exports.

    Attributes:
        name: Name of the corpus in params.yaml.
        format: Name of the corpus adapter.
        title: Title of the corpus.
        identity: Result of comparing the recordings with the published corpus.
        description: Sentence about the recordings.
        origin: Phrase that says where the recordings come from.
        cycle: Phrase that says what a cycle is in this corpus.
        label_sets: Label sets by name.
        splits: Description of each split by name.
        split_file: Name of the metadata file that assigns the official split.
        patients_on_both_sides: Patients whom the official split has in train and test, by the publisher's choice.
        group_columns: Columns by which results are grouped.
        prefixed_columns: Columns that only this corpus's format has.
        banner: Sentence to show wherever figures or models are shown.
        licence: Terms of use.
        citation: Reference to cite.
        homepage: URL of the corpus.
        limits: Sentences about what the recordings cannot show.
        personal: Sentences about personal data in the recordings.
        published: Published results that figures of this corpus may be compared with.
        challenge_metrics: Names of the metrics of the corpus's own challenge.
        creators: Names of those who made the corpus, in their own order; empty if they are unknown.
        patient: Noun for what `patient_id` stands for: a patient, or what stands in for unknown patients.
        generated: Whether a program generated the sounds, of any part.
        segments: Kind of a cycle: a respiratory cycle, an event such as an inhalation, or a whole recording.
        parts: Facts of each corpus, if these are of several.
    """

    name: str
    format: str = ""
    title: str
    identity: Identity
    description: str
    origin: str
    cycle: str
    label_sets: Mapping[str, LabelSet]
    splits: Mapping[str, str]
    split_file: str | None
    patients_on_both_sides: tuple[str, ...]
    group_columns: tuple[GroupColumn, ...]
    prefixed_columns: tuple[str, ...]
    banner: str
    licence: Licence | None
    citation: str | None
    homepage: str | None
    limits: tuple[str, ...]
    personal: tuple[str, ...]
    published: tuple[Published, ...]
    challenge_metrics: tuple[str, ...]
    creators: tuple[str, ...] = ()
    patient: str = PATIENT
    generated: bool = False
    segments: Segments = "cycles"
    parts: tuple["CorpusFacts", ...] = ()

    def metrics_of(self, labels: str) -> tuple[str, ...]:
        """Return the metrics of the corpus's own challenge for a label set; none for one that other corpora have.

        The names of a format and of its own label sets begin alike: ``sprsound`` and ``sprsound_event_7``.
        """
        return self.challenge_metrics if labels.partition("_")[0] == self.format.partition("_")[0] else ()


def write(folder: Path, facts: CorpusFacts) -> None:
    """Write ``corpus.json`` and ``label_sets.json`` into a folder."""
    write_json(folder / LABEL_SETS, {name: asdict(one) for name, one in facts.label_sets.items()})
    write_json(folder / CORPUS, {key: value for key, value in asdict(facts).items() if key != "label_sets"})


def read(folder: Path = FOLDER) -> CorpusFacts:
    """Return the facts of the corpus, label sets included."""
    facts = read_json(folder / CORPUS) | {"label_sets": read_label_sets(folder)}
    return parse(CorpusFacts, facts, folder / CORPUS)


def read_label_sets(folder: Path = FOLDER) -> dict[str, LabelSet]:
    """Return the label sets by name."""
    return parse(dict[str, LabelSet], read_json(folder / LABEL_SETS), folder / LABEL_SETS)
