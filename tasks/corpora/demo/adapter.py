"""Adapter of the generated demo corpus, which is written in ICBHI's format."""

from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tasks.corpora.contents import Metadata
from tasks.corpora.demo import facts
from tasks.corpora.icbhi.adapter import Icbhi
from tasks.corpora.settings import DownloadSettings
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tasks.sources.collection import Collection, Member, folder


class Demo(Icbhi):
    """Generated recordings in ICBHI's format."""

    name = facts.NAME
    recordings = None
    generated = True

    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        """Return whether `download` generated the recordings."""
        generated = settings.source == "publisher"
        return Identity(
            name=facts.NAME if generated else facts.OTHER,
            statement="The generated demo corpus" if generated else "Recordings in the format of the demo corpus",
            evidence=(
                f"`download` generated the recordings with the seed {settings.demo.seed}."
                if generated
                else "The recordings were not generated here, and nothing was compared."
            ),
            verified=generated,
            complete=generated and not settings.exclude_patients,
            recordings=len(recording_ids),
        )

    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of the generated recordings."""
        return facts.facts(identity)

    def shipped_metadata(
        self, missing: AbstractCollection[str], audio: Mapping[str, Member], annotations: Mapping[str, Member]
    ) -> Mapping[str, bytes]:
        """Return nothing: the generator writes all files."""
        return {}

    def check_published(self, metadata: Metadata, identity: Identity, origins: Mapping[str, str]) -> None:
        """Accept all metadata: nothing is published about generated recordings."""

    def publisher(self, settings: DownloadSettings, work: Path, downloads: Path) -> AbstractContextManager[Collection]:
        """Generate the recordings."""
        from tasks.corpora.demo import corpus  # SciPy is slow to import, and only the generator needs it

        given = settings.demo
        corpus.generate(work / "demo", seed=given.seed, patients=given.patients, first=given.first_patient)
        return nullcontext(folder(work / "demo"))

    def publisher_files(self) -> Sequence[str]:
        """Return nothing: the recordings are generated."""
        return ()


CORPUS = Demo()
