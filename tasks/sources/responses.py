"""Status and headers of HTTP responses (RFC 9110, sections 8.6, 8.8, 10.2.3 and 14)."""

import email.utils
import re
import time

import httpx

BUSY = {408, 425, 429, 500, 502, 503, 504}  # statuses of faults that may pass


class MirrorError(Exception):
    """Permanent fault of a mirror."""


class TransientMirrorError(MirrorError):
    """Fault of a mirror that may pass; `wait` is the pause in seconds that the server asks for."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


def busy(response: httpx.Response, longest: float) -> MirrorError:
    """Return the fault of a busy server, which is permanent if it asks for a pause of more than `longest` seconds."""
    what = f"HTTP {response.status_code} {response.reason_phrase}"
    pause = response.headers.get("Retry-After", "")
    if pause.isdecimal():
        wait = float(pause)
    elif date := email.utils.parsedate_tz(pause):
        wait = max(0.0, email.utils.mktime_tz(date) - time.time())
    else:
        return TransientMirrorError(what)
    if wait > longest:
        return MirrorError(f"{what}, try again in {wait:.0f} s")
    return TransientMirrorError(what, wait)


def check_countable(response: httpx.Response, size: int | None) -> None:
    """Refuse a response of unknown length, or with a content encoding.

    Args:
        response: Response of the server.
        size: Size of the whole file in bytes, if it is known.

    Raises:
        MirrorError: The bytes of the response cannot be counted.
    """
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise MirrorError("the server compresses the file despite the request")
    if size is None and response.headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise MirrorError("the server does not send the length of the file")


def validator(response: httpx.Response) -> str | None:
    """Return the strong validator of a file's version, if the server sends one."""
    etag = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return str(etag)
    modified = response.headers.get("Last-Modified")
    return str(modified) if modified else None


def total(response: httpx.Response) -> int | None:
    """Return the size of the whole file in bytes, if the server sends it."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
    else:
        length = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(length) if length.isdecimal() else None


def start(response: httpx.Response) -> int | None:
    """Return the first byte of the range that the server sends."""
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
