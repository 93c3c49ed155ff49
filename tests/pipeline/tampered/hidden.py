"""Hidden inputs, figures, commits and seeds, and honest situations that look like them."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do
from tests.unit.lineage import small

CACHE, STUDENT, METRICS = "data/fbank/ast/icbhi", "data/student/1", "reports/metrics.json"


def put(folder: Path, name: str, content: bytes = b"other") -> None:
    """Write a file, and the folders above it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def linked_cache(folder: Path) -> None:
    """Put a linked folder with a feature cache beside those that stages made."""
    shutil.copytree(folder / CACHE, folder / "elsewhere")
    (folder / "data/fbank/ast/more").symlink_to(folder / "elsewhere")


def ignored_by_dvc(folder: Path) -> None:
    """Put a second cache among the inputs, and hide it from DVC."""
    shutil.copytree(folder / CACHE, folder / "data/fbank/ast/more")
    with (folder / ".dvcignore").open("a") as file:
        file.write("/data/fbank/ast/more/\n")


def figures_in_git(folder: Path) -> None:
    """Commit other figures than those of the run, which the working tree keeps."""
    path = folder / METRICS
    kept = path.read_bytes()
    do.document(path, lambda read: read["student"]["val"]["score_strict"].update(mean=71.5))
    runs.commit(folder, "figures")
    path.write_bytes(kept)


def other_history(folder: Path) -> None:
    """Amend the first commit, on which the stages ran, with the run; only the reflog knows the old one."""
    toy.call(folder, "git", "reset", "--quiet", "--soft", "HEAD~1")
    toy.call(folder, "git", "commit", "--quiet", "--amend", "-m", "The code and the run")


def lock_records(folder: Path, stages: dict[str, Any]) -> None:
    """Let dvc.lock have the stages and the parameters of the records."""
    for name in list(stages):
        record = folder / f"data/lineage/{name}.json"
        given = json.loads(record.read_text())["params"] if record.is_file() else {}
        if not record.is_file():
            del stages[name]
        elif given:
            stages[name]["params"] = {"params.yaml": given}


def leave_out_a_seed(folder: Path, **optimizer: float) -> None:
    """Evaluate the student of the seed 1 alone, after both seeds; with settings of the optimiser, train it anew."""

    def change(read: dict[str, Any]) -> None:
        read["student"].update(seeds=[1])
        read["student"]["optimizer"].update(optimizer)

    runs.edit(folder, change)
    for path in ("data/student/2", "data/export/2"):
        shutil.rmtree(folder / path)
    (folder / "data/lineage/train_student@2.json").unlink()
    runs.commit(folder, "Parameters")
    small.run(folder)
    runs.edit(folder, lambda read: lock_records(folder, read["stages"]), "dvc.lock")
    do.relock(folder)
    runs.commit(folder, "A run of one seed")


# fmt: off
CASES = {
    "figures in the last commit": (figures_in_git,
        "git-figures-differ", METRICS, "student.val.score_strict.mean: "),
    "a run on a commit that nothing reaches": (
        lambda p: (other_history(p), toy.call(p, "git", "reflog", "expire", "--expire=now", "--all")),
        "git-commit-unreachable", "commit ", "no branch or tag reaches it, nor any reflog"),
    "a file in a folder of compiled modules": (lambda p: put(p, f"{CACHE}/__pycache__/features.npy"),
        "out-hidden", f"{CACHE}/__pycache__/features.npy", "compiled module"),
    "a compiled module among the weights": (lambda p: put(p, f"{STUDENT}/val.pyc"),
        "out-hidden", f"{STUDENT}/val.pyc", "compiled module"),
    "a cache in a dot-folder of an input": (
        lambda p: shutil.copytree(p / CACHE, p / "data/fbank/ast/.more"),
        "out-hidden", "data/fbank/ast/.more/features.npy", "hidden by its name"),
    "a file in a folder named as one of the system": (lambda p: put(p, f"{CACHE}/.DS_Store/features.npy"),
        "out-hidden", f"{CACHE}/.DS_Store/features.npy", "hidden by its name"),
    "a linked folder among the inputs": (linked_cache, "out-hidden", "data/fbank/ast/more", "links to another folder"),
    "data in a list of patterns": (lambda p: put(p, "data/teachers/.gitignore", bytes(range(256))),
        "lock-changed out-hidden", "data/teachers/.gitignore", "holds something else"),
    "an input that .dvcignore hides": (ignored_by_dvc,
        "input-added out-hidden", "data/fbank/ast/more/features.npy", "a line of .dvcignore hides it from DVC"),
}
TWO_SEEDS = {
    "a seed left out after its evaluation": (leave_out_a_seed,
        "run-omitted", "train_student@2", "student.val.score_strict "),
}
HONEST = {
    "the commit of a run amended": other_history,
    "fewer seeds of another recipe": lambda p: leave_out_a_seed(p, lr=0.5),
    "files of macOS and of notebooks": lambda p: [
        put(p, f"{folder}/{name}")
        for folder in (CACHE, STUDENT, "data/raw/icbhi/audio", "data/teachers")
        for name in (".DS_Store", "._val.safetensors", "Thumbs.db", ".ipynb_checkpoints/model-checkpoint.json")
    ],
    "an empty hidden file": lambda p: put(p, "data/teachers/.gitkeep", b""),
    "a temporary file of a killed stage": lambda p: put(p, f"{CACHE}/.features.npy.ab12_x9z"),
    "outs as links into the cache": lambda p: (
        toy.call(p, "dvc", "config", "--local", "cache.type", "symlink"),
        shutil.rmtree(p / "data/fbank"), toy.call(p, "dvc", "checkout", "--quiet"),
    ),
}
# fmt: on
