"""Check of the files of a trained model against the record of the stage that made them."""

from pathlib import Path

from models.file_names import CARD
from tasks import artifacts
from tasks.runtime.files import sha256


def check(folder: Path) -> None:
    """Compare card and weights in the folder of a model with the record of its stage.

    A folder outside of a project, or of a stage without a record, is not checked: nothing tells what was made.

    Raises:
        BreathlineError: A file differs from the one that the stage made, or the record is damaged.
    """
    full = folder.resolve()
    root = next((parent for parent in full.parents if (parent / artifacts.RECORDS).is_dir()), None)
    if root is None:
        return
    from lineage import files, record  # with the settings of all stages, which a model elsewhere does not need
    from tasks.runtime.artifact_reading import damaged

    card = (full / CARD).relative_to(root)
    artifact = artifacts.find(card.as_posix())
    stage = artifact.maker(card) if artifact is not None else ""
    found = record.read(root, stage)
    made = files.hashes(found["outputs"]) if found is not None else {}
    for path in (card, *(file.relative_to(root) for file in sorted(full.glob("*.safetensors")))):
        expected = made.get(path.as_posix())
        if expected is not None and (root / path).is_file() and (now := sha256(root / path)) != expected:
            reason = f"the file is not the one that {stage} made (SHA-256 {now[:12]}…, recorded: {expected[:12]}…)"
            raise damaged(path if root == Path.cwd() else root / path, reason)
