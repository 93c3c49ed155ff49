"""Status, headers and faults of HTTP responses (RFC 9110, sections 8.6, 8.8, 10.2.3 and 14; RateLimit)."""

import email.utils
import os
import re
import ssl
import time

import httpx

from tasks.sources import proxies

BUSY = {408, 425, 429, 500, 502, 503, 504}  # statuses of faults that may pass


class MirrorError(Exception):
    """Permanent fault of a mirror."""


class TransientMirrorError(MirrorError):
    """Fault of a mirror that may pass; `wait` is the pause in seconds that the server asks for."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


def may_pass(error: BaseException) -> bool:
    """Tell whether a fault may pass by itself, so that another attempt makes sense.

    Faults of the network may pass. Refused certificates, unknown schemes, redirects in a circle and answers of a proxy
    that asks for a password do not.
    """
    if isinstance(error, httpx.ProxyError):  # its text is the answer of the proxy
        status = str(error)[:3]
        return not status.isdecimal() or int(status) in BUSY
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return False
    return isinstance(error, TransientMirrorError | httpx.TransportError) and not _is_tls_fault(error)


def _is_tls_fault(error: BaseException | None) -> bool:
    """Tell whether an error comes from a certificate or from the protocol of TLS, not from a lost connection."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
        error = error.__cause__ or error.__context__
    return False


def described(url: str, error: Exception) -> str:
    """Return a fault of a mirror as text: the URL without its password, and the fault."""
    return f"{shown(url)}: {fault(url, error)}"


def fault(url: str, error: Exception) -> str:
    """Return the text of a fault, with the proxy that was used."""
    proxy = proxies.proxy_of(url) if isinstance(error, httpx.TransportError) else None
    return f"{reason(error)} (through the proxy of {proxy})" if proxy else reason(error)


def reason(error: BaseException) -> str:
    """Return the text of a fault; that of a failed connection is its deepest cause, such as "Connection refused"."""
    text, cause = str(error) or type(error).__name__, error.__cause__
    while isinstance(error, httpx.TransportError) and cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        refused = isinstance(cause, ConnectionError) and cause.errno
        text = os.strerror(refused) if refused else str(cause) or text
        cause = cause.__cause__ or cause.__context__
    return text


def shown(url: str) -> str:
    """Return a URL without user, password and query, which may hold a signature."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return url
    return str(parts.copy_with(username=None, password=None, query=None)) + ("?…" if parts.query else "")


def check_address(asked: str, address: httpx.URL) -> None:
    """Refuse an address that is neither https nor http, and a redirect from https to http.

    Args:
        asked: URL that was asked for at first.
        address: This URL, or that of a redirect.

    Raises:
        MirrorError: The address is refused.
    """
    if address.scheme not in ("http", "https"):
        raise MirrorError(f"an address of the kind `{address.scheme}:` is not fetched; use https")
    if address.scheme == "http" and httpx.URL(asked).scheme == "https":
        raise MirrorError(f"it leads from https to {shown(str(address))}, which is not protected by TLS")


def busy(response: httpx.Response, longest: float) -> MirrorError:
    """Return the fault of a busy server, which is permanent if it asks for a pause of more than `longest` seconds."""
    what = f"HTTP {response.status_code} {response.reason_phrase}"
    pause = response.headers.get("Retry-After", "")
    reset = re.search(r"\bt\s*=\s*(\d+)", response.headers.get("RateLimit", ""))  # of the hub, for example
    if pause.isdecimal():
        wait = float(pause)
    elif reset and response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        wait = float(reset[1]) + 1
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
