"""Models in local folders: an export, a student, or a folder with one of either for each seed.

It imports little, so that a prediction starts at once; `flows.registry` knows versions and Git revisions.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lineage.git import git
from models.file_names import CARD
from tasks.artifacts import EXPORTS, STUDENTS
from tasks.runtime.errors import BreathlineError

STUDENT = "student"  # name of the model under `artifacts:` in dvc.yaml
HUB = "hf:"  # start of the name of a model of the Hugging Face hub
TRAINED = (EXPORTS, STUDENTS)  # folders of the model trained last, the first one that exists


@dataclass(frozen=True)
class Source:
    """Location of a model.

    Attributes:
        label: Description for the user.
        name: Name of the model, under `artifacts:` in dvc.yaml.
        commit: Id of the commit from which DVC gets the model; None for a folder.
        folder: Folder of the model; None for a commit.
    """

    label: str
    name: str = STUDENT
    commit: str | None = None
    folder: Path | None = None


def local(root: Path, what: str | None) -> Source | None:
    """Return the source of a model that is no version of a project; None if `flows.registry` has to look for it.

    Args:
        root: Folder of the project, or another.
        what: Path of a folder of a model, or of one model for each seed; ``hf:owner/name`` or
            ``hf:owner/name@revision`` of the hub; None for the default model.

    Raises:
        BreathlineError: The model is none of these, and there is no project; or the hub refuses it.
    """
    if what is not None and what.startswith(HUB):
        from tasks.prediction import hub

        return Source(what, folder=hub.fetch(what.removeprefix(HUB)))
    if what is not None and any(any((root / what).glob(pattern)) for pattern in (CARD, f"*/{CARD}")):
        return Source(what, folder=root / what)
    if what is None and not _may_have_versions(root) and (found := trained(root)):
        return found
    if not (root / "dvc.yaml").is_file():
        no_folder = "No model is named" if what is None else f"{what!r} is no folder of a model"
        version = "one" if what is None else "a version of this name"
        raise BreathlineError(
            f"{no_folder}, and {root} is no project that could have {version}.",
            where=root,
            hint="name a folder, `hf:owner/name`, or a version within a project (in Python: load(…, project=FOLDER))",
        )
    return None


def label(source: Source, folder: Path) -> str:
    """Return the name for people of one seed of a model, whose folder is given."""
    return source.label + (f", seed {folder.name}" if folder.name.isdigit() else "")


def trained(root: Path) -> Source | None:
    """Return the source of the model trained last; None if there is none."""
    for folder in TRAINED:
        if any((root / folder).glob(f"*/{CARD}")):
            return Source(folder.as_posix(), folder=root / folder)
    return None


def folder_of(source: Source, folder: Path, seed: int | None) -> Path:
    """Return the folder with the card and the weights of one seed.

    Args:
        source: Source of the model, for the error message.
        folder: Folder of the model, or of one model for each seed.
        seed: Random seed of the model; None for the lowest.

    Raises:
        BreathlineError: The folder holds no such model.
    """
    if seed is None and (folder / CARD).is_file():
        return folder
    seeds = {int(path.parent.name): path.parent for path in folder.glob(f"*/{CARD}") if path.parent.name.isdigit()}
    if not seeds or seed not in (None, *seeds):
        hint = f"seeds: {', '.join(map(str, sorted(seeds)))}" if seeds else f"name a folder with {CARD}"
        missing = "no model" if seed is None else f"no model of seed {seed}"
        raise BreathlineError(f"{source.label} holds {missing}.", where=folder, hint=hint)
    return seeds[min(seeds) if seed is None else seed]


def _may_have_versions(root: Path) -> bool:
    """Return whether Git may know versions of the model; the library that reads them takes half a second to import."""
    with suppress(BreathlineError):  # no Git, or no repository
        return bool(git(root, "for-each-ref", "--count=1", f"refs/tags/{STUDENT}@*"))
    return False
