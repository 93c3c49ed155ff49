"""Corpus of a recipe: the option `--corpus` as keys of `download` in params.yaml."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tasks.corpora import registry
from tasks.runtime.errors import BreathlineError
from tasks.sources import archive, folder_walk, pointers, system_files
from tasks.subsets.settings import DEVICE

HELP = (
    f"name of a corpus ({', '.join(registry.names())}), path of a zip archive or an unpacked folder, or "
    "kaggle:OWNER/NAME or hub:OWNER/NAME"
)
# Optional before it: the format, as icbhi=…; optional after it: the revision, as …@2.
DATASET = re.compile(r"(?:(?P<format>\w+)=)?(?P<source>kaggle|hub):(?P<dataset>[^@/]+/[^@/]+)(?:@(?P<revision>.+))?")
NOTHING_ELSE = {"path": None, "metadata": None, "sha256": None, "dataset": None, "revision": None}


def settings(corpus: str) -> dict[str, Any]:
    """Return the keys of `download` for a corpus: its name, the path of an archive or a folder, or a dataset.

    A path with fewer recordings than the published corpus is taken as a part of it (``expect: partial``).
    """
    if named := DATASET.fullmatch(corpus):
        return _dataset(corpus, named.groupdict())
    if corpus in registry.names():
        if not registry.get(corpus).fetchable:
            raise BreathlineError(
                f"The corpus `{corpus}` cannot be fetched from its publisher.",
                where="--corpus",
                hint="fetch it by hand, and name the path of the archive or of the unpacked folder",
            )
        return {**NOTHING_ELSE, "corpus": corpus, "source": "publisher", "expect": "full"}
    path = Path(corpus)
    files = _files(path)
    recordings = _recordings(files)
    found = registry.recognise(recordings)
    if found is None:
        what = "There is no recording (.wav) with the name of a known corpus."
        raise BreathlineError(what, where=path, hint=archive.unpacking_hint(files) or f"--corpus: {HELP}")
    return {
        **NOTHING_ELSE,
        "corpus": found.name,
        "source": "directory" if path.is_dir() else "archive",
        "path": corpus,
        "expect": "full" if len(recordings) >= (found.recordings or 0) else "partial",
    }


def _dataset(text: str, parts: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the keys of `download` for a dataset on Kaggle or the hub.

    Args:
        text: Value of the option.
        parts: Its parts, by the names in `DATASET`.

    Raises:
        BreathlineError: The dataset is no known copy of a corpus, and no known format is given.
    """
    known = registry.of_upload(f"{parts['source']}:{parts['dataset']}")
    name = parts["format"] or (known and known.name)
    if name not in registry.names():
        what = f"There is no corpus `{name}`." if name else "The format of the dataset is not known."
        hint = f"put the name of a corpus of the same format before it: {', '.join(registry.names())}"
        raise BreathlineError(
            what, where=f"--corpus {text}", hint=f"{hint}; such as `icbhi={text.partition('=')[2] or text}`"
        )
    revision = parts["revision"]
    number = int(revision) if revision and revision.isdecimal() and parts["source"] == "kaggle" else revision
    chosen = {"corpus": name, "source": parts["source"], "dataset": parts["dataset"], "revision": number}
    return NOTHING_ELSE | chosen | {"expect": "full"}


def split_of(download: Mapping[str, Any], split: str | int) -> str | int:
    """Return the split of a recipe, or the usual one of a corpus that does not have it.

    Args:
        download: Keys of `download` that `settings` returned.
        split: Split of the recipe.
    """
    corpus = registry.get(download["corpus"])
    if download["source"] == "publisher" or not corpus.splits or str(split).partition(DEVICE)[0] in corpus.splits:
        return split
    usual = corpus.usual_split(_files(Path(download["path"])) if download["path"] else ())
    return int(usual) if usual.isdigit() else usual


def _files(path: Path) -> list[str]:
    """Return the paths of the files in an archive or a folder."""
    if path.is_dir():
        files = [file.relative_to(path).as_posix() for file in folder_walk.files(path)]
    elif path.is_file():
        pointers.check_archive(path)
        try:
            with zipfile.ZipFile(path) as opened:
                files = opened.namelist()
        except zipfile.BadZipFile as error:
            hint = archive.unpacking_hint([path.name]) if path.suffix != ".zip" else "fetch the archive again"
            raise BreathlineError("This is not a zip archive.", where=path, hint=hint or f"--corpus: {HELP}") from error
    else:
        raise BreathlineError("There is no such archive or folder.", where=path, hint=f"--corpus: {HELP}")
    return files


def _recordings(files: Sequence[str]) -> set[str]:
    """Return the names of the recordings among files."""
    parts = [PurePosixPath(file) for file in files if not system_files.is_one(file)]
    return {file.stem for file in parts if file.suffix.lower() == ".wav"}
