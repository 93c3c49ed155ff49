"""Corpus of a recipe: the option `--corpus` as keys of `download` in params.yaml."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from tasks.corpora import registry
from tasks.runtime.errors import BreathlineError
from tasks.sources import folder_walk, pointers, system_files

HELP = f"name of a corpus ({', '.join(registry.names())}), or path of a zip archive or an unpacked folder"


def settings(corpus: str) -> dict[str, Any]:
    """Return the keys of `download` for a corpus: its name, or the path of an archive or a folder.

    A path with fewer recordings than the published corpus is taken as a part of it (``expect: partial``).
    """
    nothing_else = {"path": None, "metadata": None, "sha256": None}
    if corpus in registry.names():
        return {**nothing_else, "corpus": corpus, "source": "publisher", "expect": "full"}
    path = Path(corpus)
    recordings = _recordings(path)
    found = registry.recognise(recordings)
    if found is None:
        raise BreathlineError(
            "There is no recording (.wav) with the name of a known corpus.", where=path, hint=f"--corpus: {HELP}"
        )
    return {
        **nothing_else,
        "corpus": found.name,
        "source": "directory" if path.is_dir() else "archive",
        "path": corpus,
        "expect": "full" if len(recordings) >= (found.recordings or 0) else "partial",
    }


def _recordings(path: Path) -> set[str]:
    """Return the names of the recordings in an archive or a folder."""
    if path.is_dir():
        files = [file.relative_to(path).as_posix() for file in folder_walk.files(path)]
    elif path.is_file():
        pointers.check_archive(path)
        try:
            with zipfile.ZipFile(path) as archive:
                files = archive.namelist()
        except zipfile.BadZipFile as error:
            raise BreathlineError("This is not a zip archive.", where=path, hint=f"--corpus: {HELP}") from error
    else:
        raise BreathlineError("There is no such archive or folder.", where=path, hint=f"--corpus: {HELP}")
    parts = [PurePosixPath(file) for file in files if not system_files.is_one(file)]
    return {file.stem for file in parts if file.suffix.lower() == ".wav"}
