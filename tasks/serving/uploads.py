"""Receipt of uploaded recordings: limits of size and time, and a temporary file that is always removed."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Message, Receive

from tasks.prediction.excerpts import ANNOTATIONS
from tasks.runtime.disk_errors import MESSAGES
from tasks.serving.problems import RequestError
from tasks.serving.settings import Limits

NAME = "recording"  # of the temporary file: no name of a client becomes a path
FORM = "multipart/form-data"
RAW = re.compile(r"audio/[\w.+-]+|application/(?:octet-stream|ogg)|video/(?:mp4|webm|ogg)")
FIELD_BYTES = 2**14  # of a field of a form that is no file
ANNOTATION_BYTES = 2**20  # some 50,000 cycles
MAX_LABEL = 80  # characters


@dataclass(frozen=True)
class Upload:
    """Uploaded recording: its temporary file, the name that its client gave it, and its size in bytes."""

    path: Path
    label: str
    size: int


@asynccontextmanager
async def received(request: Request, folder: Path, limits: Limits) -> AsyncIterator[Upload]:
    """Yield the recording in the body of a request; its file is removed after the block.

    Args:
        request: Request with a form whose part `file` is the recording, and `annotation` may be its annotation; or
            with the recording as its body.
        folder: Folder of temporary files.
        limits: Limits of size and time.

    Raises:
        RequestError: The body is missing, too large or too slow, or its content type is not supported.
    """
    body = _Body(request.receive, limits.max_bytes)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM and not RAW.fullmatch(kind):
        raise RequestError(
            415,
            f"The content type {_printable(kind)!r} is not supported." if kind else "The request has no content type.",
            hint=f"send a form ({FORM}) whose part `file` is the recording, or the recording itself with the content "
            "type of its format, such as audio/wav",
        )
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > limits.max_bytes:
        raise _too_large(limits.max_bytes)
    with _own_folder(folder) as own:
        path = own / NAME
        try:
            async with asyncio.timeout(limits.timeout_s):
                save = _save_form if kind == FORM else _save_raw
                label = await save(Request(request.scope, body), path)
            size = path.stat().st_size
        except TimeoutError:
            what = f"The upload took longer than {limits.timeout_s:g} s."
            hint = "send a shorter recording, or use a faster connection"
            raise RequestError(408, what, hint=hint, headers={"Connection": "close"}) from None
        except OSError as error:
            raise _not_stored(error) from error
        if size == 0:
            raise RequestError(422, "The recording is empty: it has 0 bytes.", hint="send the content of an audio file")
        yield Upload(path, label, size)


@contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that is removed after the block."""
    try:
        made = tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise _not_stored(error) from error
    with made as own:
        yield Path(own)


def _not_stored(error: OSError) -> RequestError:
    cause = MESSAGES[error.errno][0] if error.errno in MESSAGES else f"{error.strerror}."
    what = f"The server cannot store the recording. {cause}"
    return RequestError(507, what, hint="ask the operator of this server to make room for temporary files")


class _Body:
    """Body of a request, as the ASGI function `receive`, which counts its bytes.

    Args:
        receive: Function `receive` of the request.
        limit: Largest number of bytes.
    """

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit, self._size = receive, limit, 0

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            RequestError: The body is too large.
        """
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise _too_large(self._limit)
        return message


def _too_large(limit: int) -> RequestError:
    what = f"The upload is larger than {limit / 2**20:,.4g} MB, the limit of this server."
    hint = "cut it into shorter parts, send it as FLAC, or raise the limit (`serve-model --max-mb`)"
    return RequestError(413, what, hint=hint)


async def _save_raw(request: Request, path: Path) -> str:
    """Write the body of a request to a file, and return the label of a recording without a name."""
    with path.open("wb") as file:
        async for chunk in request.stream():
            await to_thread.run_sync(file.write, chunk)
    return NAME


async def _save_form(request: Request, path: Path) -> str:
    """Write the part `file` of a form to a file, and its annotation beside it; return the name of the part."""
    async with request.form(max_files=2, max_fields=8, max_part_size=FIELD_BYTES) as form:
        part, annotation = form.get("file"), form.get("annotation")
        if not isinstance(part, UploadFile):
            hint = "name the part with the recording `file`, such as `curl -F file=@a.wav`"
            raise RequestError(422, "The form has no part `file` with a file.", hint=hint)
        await to_thread.run_sync(_copy, part, path)
        if isinstance(annotation, UploadFile):
            await to_thread.run_sync(_copy, annotation, path.with_suffix(_suffix(annotation)))
        return label(part.filename)


def _suffix(annotation: UploadFile) -> str:
    """Return the suffix of an annotation's format.

    Raises:
        RequestError: The name of the annotation ends otherwise, or it is too large.
    """
    name = label(annotation.filename)
    if (annotation.size or 0) > ANNOTATION_BYTES:
        what = f"The annotation {name} is larger than {ANNOTATION_BYTES / 2**20:g} MB."
        raise RequestError(413, what, hint="send the recording and its annotation in parts")
    if not name.lower().endswith(ANNOTATIONS):
        what = f"The annotation {name} is of an unknown format."
        raise RequestError(422, what, hint=f"its name ends in {', '.join(ANNOTATIONS)}")
    return f".{name.rpartition('.')[2].lower()}"


def _copy(part: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(part.file, file)


def label(name: str | None) -> str:
    """Return the file name of a client as a label: its last part, without characters that cannot be printed."""
    last = _printable(re.split(r"[/\\]", name or "")[-1])
    return last if last.strip(". ") else NAME


def _printable(text: str) -> str:
    return "".join(one for one in text if one.isprintable())[:MAX_LABEL].strip()
