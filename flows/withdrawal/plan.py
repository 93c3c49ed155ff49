"""Plan of a patient's withdrawal: what changes, what runs again, what is erased, and what cannot be."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.recipes import writing
from flows.recipes.writing import Edit
from lineage import dvc_storage, project
from lineage.absence import fingerprint, stores, withdrawals
from lineage.absence import search as absence
from lineage.absence.fingerprint import Fingerprint
from lineage.absence.stores import Stores
from lineage.absence.withdrawals import Withdrawal
from lineage.corpora import qualified
from lineage.diff.runs import FolderRun
from lineage.dvc_storage import Cache
from lineage.trace.provenance_graph import Rerun
from lineage.trace.queries import TraceQueries
from tasks.artifacts import CorpusFolders
from tasks.corpora import settings
from tasks.corpora.exclusion import KEY
from tasks.corpora.settings import SECTIONS
from tasks.runtime import params, yaml_files
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import PARAMS
from tasks.sources import hub, kaggle


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A remote of DVC."""

    name: str
    url: str
    cache: Cache | None  # its objects, if the remote is a folder of this machine
    erased: bool  # whether the user asked to erase from it


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plan of a withdrawal."""

    patient: str  # id of the patient
    known: Fingerprint  # hashes of the patient's data, which are searched for
    edit: Edit  # changes of params.yaml; none if the patient is excluded there
    reruns: tuple[Rerun, ...]  # stages that run again; none if the tables no longer have the patient
    stores: Stores  # data of the patient beside the outs
    remotes: tuple[Remote, ...]
    downloads: tuple[Path, ...]  # copies of the source's dataset in the caches of its host's library

    @property
    def corpus(self) -> CorpusFolders:
        """The corpus of the patient."""
        return self.known.corpus

    @property
    def setting(self) -> str:
        """The key of params.yaml that excludes patients of the corpus."""
        return f"{SECTIONS[self.corpus.role]}.{self.corpus.name}.{KEY}"

    @property
    def name(self) -> str:
        """The patient as in questions: ``patient:demo:101``."""
        return f"patient:{self.corpus.name}:{self.patient}"

    @property
    def withdrawal(self) -> Withdrawal:
        """The hashes to keep, by which data that come back are recognised."""
        return Withdrawal(self.known, self.stores.cached.from_patient)


def make(root: Path, patient: str, remotes: Collection[str] = ()) -> Plan:
    """Return the plan of a withdrawal; nothing is written.

    Args:
        root: Root of the project.
        patient: Patient in the form ``patient:101``, or ``patient:demo:101`` with the name of the corpus.
        remotes: Names of remotes of DVC to erase from; they must be folders of this machine.

    Raises:
        BreathlineError: No run here has the patient, its data are incomplete, or a remote cannot be erased from.
    """
    corpus, number = absence.parse(patient)
    asked = _remotes(root, remotes)
    begun = withdrawals.find(root, number, corpus)
    known = _known(root, number, corpus, begun)
    searched, own = absence.searcher(root, number, known)
    if own is None:
        hint = f"add it to params.yaml again, with its key `{KEY}`, or name another corpus"
        what = f"params.yaml no longer has the corpus {known.corpus.name} of the patient."
        raise BreathlineError(what, where=PARAMS, hint=hint)
    found = stores.search(root, searched, absence.outs(root), begun.from_patient if begun else ())
    return Plan(
        patient=number,
        known=known,
        edit=_exclusion(root, known.corpus, number),
        reruns=_reruns(root, known.corpus, number),
        stores=found,
        remotes=asked,
        downloads=tuple(_downloads(root, known.corpus)),
    )


def _known(root: Path, number: str, corpus: str | None, begun: Withdrawal | None) -> Fingerprint:
    """Return the hashes of a patient: from the current run, a withdrawal that was begun, or an earlier run.

    Raises:
        BreathlineError: No run has the patient, or files of the run are missing.
    """
    current = FolderRun("the current run", root)
    known = fingerprint.take(current, number, corpus)
    if begun:
        if known is None:
            return begun.known
        # What the current run has lost is unknown only if its data are others, such as after they were added again.
        known = fingerprint.union(begun.known, known)
    if known is None:
        known = fingerprint.take_from_history(root, number, corpus)
    if known is None:
        what = f"Neither the current run nor a commit of dvc.lock has a patient {number}."
        hint = (
            "its data must be here once, to be found everywhere: `dvc checkout` or `dvc pull` of a run with the patient"
        )
        raise BreathlineError(what, where=root, hint=hint)
    if known.unread:
        what = f"Data of patient {number} cannot be read, so that copies of them could not be found."
        raise BreathlineError(what, where=", ".join(known.unread), hint="run `dvc checkout`, or `dvc pull`, then again")
    return known


def _downloads(root: Path, corpus: CorpusFolders) -> Iterator[Path]:
    """Yield the copies of a corpus's dataset outside of the project, which `download` reads."""
    given = settings.configured(params.read(root / PARAMS))[corpus]
    folder = {"hub": hub.cache_folder, "kaggle": kaggle.cache_folder}.get(given.source)
    if folder and given.dataset and (found := folder(given.dataset)).is_dir():
        yield found


def _exclusion(root: Path, corpus: CorpusFolders, number: str) -> Edit:
    """Return the change of params.yaml that excludes a patient."""
    section = SECTIONS[corpus.role]
    items = yaml_files.load_mapping(root / PARAMS)[section]
    excluded = items[corpus.name].get(KEY) or []
    if number in map(str, excluded):
        return writing.Edit("", (), ())
    # An id of digits is a number in YAML, as users write it.
    value = int(number) if number.isdecimal() and str(int(number)) == number else number
    changed = {**items, corpus.name: {**items[corpus.name], KEY: [*excluded, value]}}
    return writing.changed(root, {section: changed})


def _reruns(root: Path, corpus: CorpusFolders, number: str) -> tuple[Rerun, ...]:
    """Return the stages that run again; none if the current tables do not have the patient."""
    queries = TraceQueries(project.load(root))
    patient = qualified(corpus, number)
    if patient not in queries.data.recordings_of:
        return ()
    return queries.ask(f"patient:{patient}").reruns


def _remotes(root: Path, erased: Collection[str]) -> tuple[Remote, ...]:
    """Return the remotes of DVC.

    Raises:
        BreathlineError: A remote to erase from is unknown, or is no folder of this machine.
    """
    found = tuple(
        Remote(
            name=name,
            url=str(place.folder) if isinstance(place, Cache) else place,
            cache=place if isinstance(place, Cache) and place.objects.is_dir() else None,
            erased=name in erased,
        )
        for name, place in sorted(dvc_storage.remotes_of(root).items())
    )
    local = [remote.name for remote in found if remote.cache]
    for name in erased:
        if name not in local:
            what = f"`{name}` is no remote of DVC in a folder of this machine."
            hint = f"folders here: {', '.join(local) or 'none'}; without --remote, the letter names what to do there"
            raise BreathlineError(what, where="--remote", hint=hint)
    return found
