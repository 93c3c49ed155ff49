"""Reader of the text files of a corpus: annotations and metadata."""

import codecs
import re
from pathlib import Path

from tasks.runtime.errors import BreathlineError

MAX_BYTES = 4 << 20  # the largest published file has 40 kB


def read_text(path: Path, limit: int | None = None) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with its mark.

    Args:
        path: The file.
        limit: Largest size in bytes; None for `MAX_BYTES`.

    Raises:
        BreathlineError: The file cannot be read, is not regular, is larger than the limit, or is not text.
    """
    limit = limit or MAX_BYTES
    try:
        if path.exists() and not path.is_file():  # reading a pipe or a device may never end
            raise BreathlineError(f"{path.name} is not a regular file.", where=path, hint="put the text file there")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BreathlineError(
            f"{path.name} cannot be read: {error.strerror}.",
            where=path,
            hint="run `download` again; `metadata` in params.yaml can name a folder of metadata files",
        ) from error
    if len(data) > limit:
        what = f"{path.name} has {path.stat().st_size:,} bytes; a text file of the corpus has at most {limit:,}."
        raise BreathlineError(what, where=path, hint="this is another file: fetch the right one again")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BreathlineError(
            f"{path.name} is not a text file (byte {error.start} is not {encoding}).", where=path, hint="fetch it again"
        ) from error
    if "\0" in text:
        line = len(re.findall(r"\r\n|\r|\n", text[: text.index("\0")])) + 1
        raise BreathlineError(
            f"{path.name} is not a text file: it contains a null character.",
            where=f"{path}:{line}",
            hint="save it as UTF-8, or fetch it again",
        )
    return text
