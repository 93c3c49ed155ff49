"""A real HTTP server on loopback that can be told to misbehave."""

import datetime
import hashlib
import ipaddress
import json
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Server(ThreadingHTTPServer):
    """Serves `files` by name as a good server does, but for the answers in `script`, which are used up one by one."""

    daemon_threads = True

    def __init__(self, handler: type["Handler"]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.files: dict[str, bytes] = {}
        self.script: dict[str, list[Callable[[Handler], None]]] = defaultdict(list)
        self.asked: list[tuple[str, str | None]] = []  # name, Range

    def handle_error(self, *_: object) -> None:
        pass  # a client that was killed, or that has read enough

    def url(self, name: str = "") -> str:
        return f"http{'s' if self.protected else ''}://127.0.0.1:{self.server_port}/{name}"

    @property
    def protected(self) -> bool:
        return isinstance(self.socket, ssl.SSLSocket)


def make_certificate(folder: Path) -> Path:
    """Write a certificate of 127.0.0.1 that nobody has signed, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day, [])
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "certificate.pem").write_bytes(signed.public_bytes(Encoding.PEM) + secret)
    return folder / "certificate.pem"


@contextmanager
def serving(certificate: Path | None = None, handler: type["Handler"] | None = None) -> Iterator[Server]:
    with Server(handler or Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.respond()

    def respond(self) -> None:
        name = self.path.rpartition("/")[2]
        self.server.asked.append((name, self.headers.get("Range")))
        script = self.server.script[name]
        (script.pop(0) if script else good)(self)

    @property
    def content(self) -> bytes | None:
        return self.server.files.get(self.path.rpartition("/")[2])

    def answer(self, code: int, body: bytes = b"", length: int | None = None, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def good(handler: Handler, *, sent: int | None = None, honour_if_range: bool = True, with_etag: bool = True) -> None:
    """Answer as RFC 9110 wants it, though only with the first `sent` bytes of the body."""
    content = handler.content
    if content is None:
        handler.answer(404)
        return
    mark, wanted = etag(content), handler.headers.get("Range")
    begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
    if not wanted or (honour_if_range and handler.headers["If-Range"] != mark):
        code, body, extra = 200, content, {}
    elif begin >= len(content):
        code, body, extra = 416, b"", {"Content_Range": f"bytes */{len(content)}"}
    else:
        code, body = 206, content[begin:]
        extra = {"Content_Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
    if with_etag:
        extra["ETag"] = mark
    handler.answer(code, body[:sent], length=len(body), **extra)
    if sent is not None:
        handler.close_connection = True


def breaks_off(after: int) -> Callable[[Handler], None]:
    return partial(good, sent=after)


def stalls(after: int, seconds: float) -> Callable[[Handler], None]:
    def behave(handler: Handler) -> None:
        good(handler, sent=after)
        time.sleep(seconds)

    return behave


def ignores_range(handler: Handler) -> None:
    handler.answer(200, handler.content or b"", ETag=etag(handler.content or b""))


def ignores_if_range(handler: Handler) -> None:
    good(handler, honour_if_range=False)


def ignores_versions(handler: Handler) -> None:
    good(handler, honour_if_range=False, with_etag=False)


def says(code: int, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(code, b"<html>no</html>", **headers)


def lies(by: int) -> Callable[[Handler], None]:
    """Announce so many bytes more (or fewer) than there are."""

    def behave(handler: Handler) -> None:
        content = handler.content or b""
        handler.answer(200, content, length=len(content) + by, ETag=etag(content))
        handler.close_connection = True

    return behave


def tells_no_length(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write((handler.content or b"")[:100])
    handler.close_connection = True


def sends_headers_slowly(handler: Handler) -> None:
    """Send a header of one letter every 20 ms, and no end."""
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(3000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.02)


def sends_slowly(handler: Handler) -> None:
    """Announce a large file, and send a byte of it every 20 ms."""
    with suppress(OSError):
        handler.answer(200, length=10**9, ETag='"x"')
        for _ in range(3000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.02)


def never_ends(handler: Handler) -> None:
    """Send chunks without an announced length, and no end."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    with suppress(OSError):
        for _ in range(10_000):
            handler.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")
    handler.close_connection = True


def leads_to(url: str, code: int = 302) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(code, Location=url)
