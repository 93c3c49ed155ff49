"""What a server's answer says, by its status and headers: RFC 9110, sections 8.6, 8.8, 10.2.3 and 14."""

from __future__ import annotations

import email.utils
import re
import time

import httpx

BUSY = {408, 425, 429, 500, 502, 503, 504}  # what may pass


class FaultError(Exception):
    """What is wrong with a mirror; nothing that time heals."""


class PassingError(FaultError):
    """What may go better at the next attempt, after `wait` seconds if the server asks for them."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


def busy(response: httpx.Response, longest: float) -> FaultError:
    """Return the fault of a server that has no time now; it may ask for no more than `longest` seconds."""
    what = f"HTTP {response.status_code} {response.reason_phrase}"
    asked = response.headers.get("Retry-After", "")
    if asked.isdecimal():
        wait = float(asked)
    elif date := email.utils.parsedate_tz(asked):
        wait = max(0.0, email.utils.mktime_tz(date) - time.time())
    else:
        return PassingError(what)
    if wait > longest:
        return FaultError(f"{what}, come back in {wait:.0f} s")
    return PassingError(what, wait)


def check_countable(response: httpx.Response, size: int | None) -> None:
    """Refuse an answer of which nobody could tell when it is whole, or that is not the file's own bytes."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FaultError("the server sends the file compressed though it was asked not to")
    if size is None and response.headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise FaultError("the server does not tell how long the file is")


def validator(response: httpx.Response) -> str | None:
    """Return the strong mark of a file's version, if the server gives one."""
    etag = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return str(etag)
    modified = response.headers.get("Last-Modified")
    return str(modified) if modified else None


def total(response: httpx.Response) -> int | None:
    """Return the size of the whole file in bytes, as far as the server tells."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
    else:
        length = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(length) if length.isdecimal() else None


def start(response: httpx.Response) -> int | None:
    """Return where the range that the server sends begins, in bytes."""
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
