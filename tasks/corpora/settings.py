"""Typed form of an item of `corpora` or `external` in params.yaml: the format of a corpus and its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval
from pydantic import Field

from tasks.artifacts import CorpusFolders, Role
from tasks.runtime import params
from tasks.runtime.value_types import Name, Seed, Sha256

ADDRESS = r"^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[^\s\x00-\x20]*)?$"
Mirror = Annotated[str, Field(pattern=ADDRESS, max_length=2000, description="an address without a password: https://…")]
Patient = Annotated[str, Field(min_length=1, max_length=200)] | int
Expect = Literal["full", "partial"]
ALL = "all"  # cycles of an external corpus that are tested on: all with a label
TestSide = (
    Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}(@\S(.{0,98}\S)?)?$",
            description=f"`{ALL}`, or a split of the corpus, whose test side is meant",
        ),
    ]
    | Annotated[int, Interval(ge=0, le=4)]
)
HOSTS = ("kaggle", "hub")  # sources of a dataset that others have uploaded
DatasetName = Annotated[str, Field(pattern=r"^[\w-][\w.-]*/[\w-][\w.-]*$", max_length=200, description="owner/name")]
Revision = (
    Annotated[str, Field(pattern=r"^\w[\w./-]*$", max_length=200, description="a commit, branch or tag")]
    | Annotated[int, Interval(ge=1)]
)


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """Settings of a generated corpus.

    Attributes:
        seed: Random seed.
        patients: Number of patients.
        first_patient: Number of the first patient; two generated corpora of one project need different numbers.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seed: Seed = 2017
    patients: Annotated[int, Interval(ge=2, le=100_000)] = 60
    first_patient: Annotated[int, Interval(ge=101, le=899_999)] = 101


@dataclass(frozen=True, kw_only=True)
class OptionalSounds:
    """Class of sounds that the shared label sets leave out by default.

    Attributes:
        rhonchi: Class of rhonchi in `lungsound_4`; None leaves them out.
        stridor: Class of stridor in `lungsound_4`; None leaves it out.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    rhonchi: Literal["wheeze"] | None = None
    stridor: Literal["wheeze"] | None = None


@dataclass(frozen=True, kw_only=True)
class SprsoundSettings(OptionalSounds):
    """Settings of SPRSound.

    Attributes:
        segments: What a cycle is: an annotated event, or a whole recording with its own label.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    segments: Literal["events", "recordings"] = "events"


@dataclass(frozen=True, kw_only=True)
class HfLungSettings(OptionalSounds):
    """Settings of HF_Lung.

    Attributes:
        unannotated: Class in `lungsound_4` of breaths in which no adventitious sound is annotated; None leaves them
            out, because the corpus does not call them normal.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    unannotated: Literal["normal"] | None = None


@dataclass(frozen=True, kw_only=True)
class KauhSettings:
    """Settings of KAUH.

    Attributes:
        crep: Class of recordings with `Crep` in `lungsound_4`; None leaves them out.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    crep: Literal["crackle"] | None = None


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """Normalised table of a user's own recordings, which `breathline corpus add` writes.

    Attributes:
        file: Path of the table; the name of the corpus is its stem.
        sha256: SHA-256 of the table in hexadecimal, so that a changed table runs `download` again.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    file: Path
    sha256: Sha256


@dataclass(frozen=True, kw_only=True)
class DownloadSettings:
    """Format of a corpus, its source, and the expected extent.

    Attributes:
        format: Name of the corpus adapter, which knows the format.
        source: Kind of source: the corpus's publisher, a zip archive, a folder, or a dataset on Kaggle or the hub.
        path: Path of the archive or folder; null for the other sources.
        metadata: Folder of metadata files, which take precedence over those of the source.
        expect: Whether the corpus must be complete.
        sha256: SHA-256 of the archive in hexadecimal.
        dataset: Owner and name of the dataset on Kaggle or the hub, with ``/``.
        revision: Version of the dataset: a number on Kaggle; a commit, branch or tag on the hub. Without it, the
            current version is used and recorded.
        mirrors: URLs of folders with the publisher's files, in order of preference; empty for the official site.
        exclude_patients: Ids of patients to leave out, such as those who withdrew their consent.
        demo: Settings of the generated corpus.
        sprsound: Settings of the corpus SPRSound.
        hf_lung: Settings of the corpus HF_Lung.
        kauh: Settings of the corpus KAUH.
        table: Table of a user's own recordings; None for other corpora.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    format: Name
    source: Literal["publisher", "archive", "directory", "kaggle", "hub"]
    path: Path | None = None
    metadata: Path | None = None
    expect: Expect = "full"
    sha256: Sha256 | None = None
    mirrors: Sequence[Mirror] = ()
    exclude_patients: Sequence[Patient] = ()
    demo: DemoSettings = DemoSettings()
    sprsound: SprsoundSettings = SprsoundSettings()
    hf_lung: HfLungSettings = HfLungSettings()
    kauh: KauhSettings = KauhSettings()
    dataset: DatasetName | None = None
    revision: Revision | None = None
    table: TableSettings | None = None

    def __post_init__(self) -> None:
        local = {"archive": "zip", "directory": "folder"}
        if self.source not in local and self.path is not None:
            raise ValueError(f"path: null, because the source `{self.source}` reads no path; or set source to archive")
        if self.source in local and self.path is None:
            raise ValueError(f"path: the path of a {local[self.source]}, which the source `{self.source}` needs")
        if self.source == "directory" and self.sha256 is not None:
            raise ValueError("sha256: null, because the source `directory` has no archive")
        if self.source == "hub" and self.sha256 is not None:
            raise ValueError("sha256: null, because the commit in `revision` identifies the files of the hub")
        if self.source in HOSTS and self.dataset is None:
            raise ValueError(f"dataset: `owner/name` of the dataset, which the source `{self.source}` needs")
        for key in ("dataset", "revision"):
            if self.source not in HOSTS and getattr(self, key) is not None:
                raise ValueError(f"{key}: null, because only the sources {' and '.join(HOSTS)} read it")
        if self.source == "kaggle" and not str(self.revision or 1).isdecimal():
            raise ValueError("revision: a number, because the source `kaggle` counts versions")
        if len(set(map(str, self.exclude_patients))) < len(self.exclude_patients):
            raise ValueError("exclude_patients: each patient once")


@dataclass(frozen=True, kw_only=True)
class ExternalSettings(DownloadSettings):
    """Format and source of a corpus that is only tested on.

    Attributes:
        test: Cycles to test on: all with a label, or the test side of a split of the corpus.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    test: TestSide = ALL


SECTIONS: Mapping[Role, str] = {"training": "corpora", "external": "external"}  # of params.yaml


def corpus_settings(read: Mapping[str, Any], name: str, role: Role = "training") -> DownloadSettings:
    """Return the settings of one corpus.

    Args:
        read: Content of params.yaml.
        name: Name of the corpus.
        role: Whether the corpus is learned from, or only tested on.

    Raises:
        BreathlineError: There is no such corpus, or its settings are not valid.
    """
    key = f"{SECTIONS[role]}.{name}"
    kind = DownloadSettings if role == "training" else ExternalSettings
    return params.parse(kind, params.section(read, key), key)


def configured(read: Mapping[str, Any]) -> dict[CorpusFolders, DownloadSettings]:
    """Return the settings of all corpora, those to learn from first."""
    return {
        CorpusFolders(role, name): corpus_settings(read, name, role)
        for role, section in SECTIONS.items()
        for name in params.section(read, section)
    }
