"""Check of the files of a trained model against the record of the stage that made them, and their origin."""

from dataclasses import dataclass
from pathlib import Path

from lineage import files, record
from models.file_names import CARD
from tasks import artifacts
from tasks.runtime.artifact_reading import damaged
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

WEIGHTS = ("*.safetensors", "*.onnx")  # files that hold a network


@dataclass(frozen=True)
class Origin:
    """Origin of a model, by the record of its stage.

    Attributes:
        commit: Git commit of the code; None outside of Git.
        dirty: Whether the code had uncommitted changes.
        record: SHA-256 of the record, which names all inputs; None if the model is a version elsewhere.
    """

    commit: str | None
    dirty: bool = False
    record: str | None = None

    def __str__(self) -> str:
        """Return commit and record in words."""
        commit = f"commit {self.commit[:9]}" if self.commit else "no commit"
        changes = " with uncommitted changes" if self.dirty else ""
        return f"{commit}{changes}" + (f", record {self.record[:9]}" if self.record else "")


def check(folder: Path) -> Origin | None:
    """Compare card and networks in the folder of a student or an export with the record of its stage.

    A folder outside of a project, or of a stage without a record, is not checked: nothing tells what was made.

    Returns:
        Origin of the model; None for a folder that is not checked.

    Raises:
        BreathlineError: A file differs from the one that the stage made, or the stage made no such network, or the
            record is damaged.
    """
    full = folder.resolve()
    root = next((parent for parent in full.parents if (parent / artifacts.RECORDS).is_dir()), None)
    if root is None:
        return None
    card = (full / CARD).relative_to(root)
    artifact = artifacts.find(card.as_posix())
    stage = artifact.maker(card) if artifact is not None else ""
    found = record.read(root, stage)
    made = files.hashes(found["outputs"]) if found is not None else {}
    if found is None or card.as_posix() not in made:
        return None
    networks = sorted(file for pattern in WEIGHTS for file in full.glob(pattern))
    for path in (card, *(file.relative_to(root) for file in networks)):
        expected, shown = made.get(path.as_posix()), path if root == Path.cwd() else root / path
        if expected is None:
            hint = f"remove the file, or make the folder again: `dvc repro --force {stage}`"
            raise BreathlineError(f"The stage {stage} made no such network.", where=shown, hint=hint)
        if (root / path).is_file() and (now := sha256(root / path)) != expected:
            reason = f"the file is not the one that {stage} made (SHA-256 {now[:12]}…, recorded: {expected[:12]}…)"
            raise damaged(shown, reason)
    git = found.get("git") or {}
    return Origin(git.get("commit"), bool(git.get("dirty")), sha256(root / record.path_of(stage)))
