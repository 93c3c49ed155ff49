"""Files that records, DVC or the eye pass over, below outs and inputs; and honest ones that look like them."""

import shutil
from pathlib import Path

from tests import toy

CACHE, STUDENT = "data/fbank/ast/icbhi", "data/student/1"


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


# fmt: off
CASES = {
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
HONEST = {
    "files of macOS and of notebooks": lambda p: [
        put(p, f"{folder}/{name}")
        for folder in (CACHE, STUDENT, "data/raw/icbhi/audio", "data/teachers")
        for name in (".DS_Store", "._val.safetensors", "Thumbs.db", ".ipynb_checkpoints/model-checkpoint.json")
    ],
    "a temporary file of a killed stage": lambda p: put(p, f"{CACHE}/.features.npy.ab12_x9z"),
    "outs as links into the cache": lambda p: (
        toy.call(p, "dvc", "config", "--local", "cache.type", "symlink"),
        shutil.rmtree(p / "data/fbank"), toy.call(p, "dvc", "checkout", "--quiet"),
    ),
}
# fmt: on
