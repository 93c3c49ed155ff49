"""Which recordings a recipe runs on: `--corpus` becomes the keys of `download` in params.yaml."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from tasks.corpora.icbhi.expected import RECORDINGS
from tasks.runtime.errors import BreathlineError

HELP = "demo (generated), icbhi (from the official site), or the path of a zip archive or of an unpacked folder"


def settings(corpus: str) -> dict[str, Any]:
    """Return what `download` has to say for a corpus: ``demo``, ``icbhi``, or the path of an archive or a folder.

    A path that holds fewer recordings than the complete database is taken as a part of it (``expect: partial``).

    Raises:
        BreathlineError: There is no such file or folder, or it holds no recordings.
    """
    nothing_else = {"path": None, "metadata": None, "sha256": None}
    if corpus in ("demo", "icbhi"):
        return {**nothing_else, "source": corpus, "expect": "full"}
    path = Path(corpus)
    count = _recordings(path)
    if not count:
        raise BreathlineError(
            "No recording (.wav) lies there.", where=path, hint="name the official archive, or a folder"
        )
    return {
        **nothing_else,
        "source": "directory" if path.is_dir() else "archive",
        "path": corpus,
        "expect": "full" if count >= RECORDINGS else "partial",
    }


def _recordings(path: Path) -> int:
    """Return how many different recordings an archive or a folder holds, by their names."""
    if path.is_dir():
        files = [str(file.relative_to(path)) for file in path.rglob("*")]
    elif path.is_file():
        try:
            with zipfile.ZipFile(path) as archive:
                files = archive.namelist()
        except zipfile.BadZipFile as error:
            raise BreathlineError("This is no zip archive.", where=path, hint=f"--corpus: {HELP}") from error
    else:
        raise BreathlineError("There is no such archive or folder.", where=path, hint=f"--corpus: {HELP}")
    parts = map(PurePosixPath, files)
    return len({file.stem for file in parts if file.suffix.lower() == ".wav" and "__MACOSX" not in file.parts})
