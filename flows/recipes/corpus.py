"""Corpora of a recipe: the options `--corpus` and `--external` as items of params.yaml."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from flows.recipes.source_forms import SOURCES
from tasks.corpora import registry
from tasks.runtime.errors import BreathlineError
from tasks.runtime.value_types import NAME
from tasks.sources import archive, folder_walk, pointers, system_files
from tasks.subsets.settings import DEVICE, SPLITS

DATASET = re.compile(
    r"(?P<source>kaggle|hub):(?P<dataset>[^@/]+/[^@/]+)(?:@(?P<revision>.+))?"
)  # the revision is optional


def items(options: Sequence[str], option: str) -> dict[str, dict[str, Any]]:
    """Return the items of params.yaml by the name of the corpus, which is that of its format unless it is given.

    Args:
        options: Values of the option, each ``SOURCE`` or ``CORPUS=SOURCE``.
        option: Name of the option, for error messages.

    Raises:
        BreathlineError: A source does not exist or has no known recording, or two corpora have one name.
    """
    found: dict[str, dict[str, Any]] = {}
    for given in options:
        name, source = _parts(given)
        item = settings(source, option, name)
        name = name or str(item["format"])
        if name in found:
            raise BreathlineError(
                f"Two corpora have the name {name}.",
                where=f"{option} {given}",
                hint=f"name one of them: {option} other={source}",
            )
        found[name] = item
    return found


def settings(source: str, option: str = "--corpus", name: str | None = None) -> dict[str, Any]:
    """Return the item of params.yaml for a source: a corpus, an archive, a folder, or a dataset of Kaggle or the hub.

    A path with fewer recordings than the published corpus is taken as a part of it (``expect: partial``).
    """
    if dataset := DATASET.fullmatch(source):
        return _dataset(f"{option} {source}", dataset.groupdict(), name)
    if source in registry.names():
        if not registry.get(source).fetchable:
            raise BreathlineError(
                f"The corpus `{source}` cannot be fetched from its publisher.",
                where=option,
                hint=f"fetch it by hand, and name the archive or the unpacked folder: {option} {source}=PATH",
            )
        return {"format": source, "source": "publisher"}
    path = Path(source)
    files = _files(path, option)
    recordings = _recordings(files)
    found = registry.recognise(recordings)
    if found is None:
        what = "There is no recording (.wav) with the name of a known corpus."
        raise BreathlineError(what, where=path, hint=archive.unpacking_hint(files) or f"{option}: {SOURCES}")
    item = {"format": found.name, "source": "directory" if path.is_dir() else "archive", "path": source}
    return item if len(recordings) >= (found.recordings or 0) else {**item, "expect": "partial"}


def _dataset(where: str, parts: Mapping[str, str | None], name: str | None) -> dict[str, Any]:
    """Return the item of params.yaml for a dataset on Kaggle or the hub.

    Args:
        where: Option and its value, for error messages.
        parts: Parts of the value, by the names in `DATASET`.
        name: Name of the corpus, which may be that of its format.

    Raises:
        BreathlineError: The dataset is no known copy of a corpus, and the name is none of a format.
    """
    known = registry.of_upload(f"{parts['source']}:{parts['dataset']}")
    kind = known.name if known else name
    if kind not in registry.names():
        hint = f"name the corpus by its format: {', '.join(registry.names())}; such as FORMAT=kaggle:OWNER/NAME"
        raise BreathlineError("The format of the dataset is not known.", where=where, hint=hint)
    revision = parts["revision"]
    number = int(revision) if revision and revision.isdecimal() and parts["source"] == "kaggle" else revision
    found = {"format": kind, "source": parts["source"], "dataset": parts["dataset"]}
    return found if number is None else {**found, "revision": number}


def has_split(item: Mapping[str, Any], split: str | int, root: Path) -> bool:
    """Return whether a corpus can have a split, as far as its format and the folders of its source tell.

    Args:
        item: Format and source of the corpus.
        split: Split, with or without a device.
        root: Folder to which its path is relative.
    """
    corpus, base = registry.get(item["format"]), str(split).partition(DEVICE)[0]
    if corpus.splits and base not in corpus.splits:
        return False
    sides = corpus.sides_of(_files_of(item, root))
    return base in SPLITS or not sides or base in sides


def usual_split(item: Mapping[str, Any], root: Path) -> str | int:
    """Return the usual split of a corpus, by the files of its source where they exist.

    Args:
        item: Format and source of the corpus.
        root: Folder to which its path is relative.
    """
    usual = registry.get(item["format"]).usual_split(_files_of(item, root))
    return int(usual) if usual.isdigit() else usual


def _files_of(item: Mapping[str, Any], root: Path) -> list[str]:
    """Return the paths of the files of a source; none for a source that is not here, or is damaged."""
    if item.get("path"):
        with suppress(BreathlineError):  # `download` says what is wrong with it
            return _files(root / item["path"])
    return []


def _parts(given: str) -> tuple[str | None, str]:
    """Return name and source of ``CORPUS=SOURCE``; no name for a source alone, also for a path with an equals sign."""
    name, equals, source = given.partition("=")
    if not equals or Path(given).exists():
        return None, given
    return (name, source) if re.fullmatch(NAME, name) else (None, given)


def _files(path: Path, option: str = "--corpus") -> list[str]:
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
            raise BreathlineError(
                "This is not a zip archive.", where=path, hint=hint or f"{option}: {SOURCES}"
            ) from error
    else:
        raise BreathlineError("There is no such archive or folder.", where=path, hint=f"{option}: {SOURCES}")
    return files


def _recordings(files: Sequence[str]) -> set[str]:
    """Return the names of the recordings among files."""
    parts = [PurePosixPath(file) for file in files if not system_files.is_one(file)]
    return {file.stem for file in parts if file.suffix.lower() == ".wav"}
