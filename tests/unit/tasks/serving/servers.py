"""Servers in a thread of the test's process, on a free port of loopback."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvicorn

from tasks.serving import app, running
from tasks.serving.service import Service
from tasks.serving.settings import LOOPBACK, Limits
from tests.unit.tasks.serving.fake import FakePredictor


@dataclass
class Running:
    """Server with its address, client and temporary folder."""

    port: int
    service: Service
    folder: object
    client: httpx.Client

    def post(self, content, kind="audio/wav", **options):
        headers = {"Content-Type": kind, **options.pop("headers", {})}
        return self.client.post("/predict", content=content, headers=headers, **options)

    def raw(self, request, timeout=20.0):
        """Send bytes over a socket, and return all that comes back until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            received = b""
            try:
                connection.sendall(request)
                while chunk := connection.recv(65536):
                    received += chunk
            except (ConnectionResetError, BrokenPipeError):
                pass
            return received


@contextmanager
def running_server(folder, predictor=None, token=None, **limits):
    """Yield a running server.

    Args:
        folder: Folder of temporary files.
        predictor: Model that is served; None for a fake.
        token: Token that requests must state.
        limits: Limits that are not the defaults.
    """
    service = Service(predictor or FakePredictor(), Limits(**limits))
    application = app.create(service, folder, hosts=LOOPBACK, token=token)
    listener = running.listen("127.0.0.1", 0)
    server = uvicorn.Server(running.settings(application, grace_s=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        try:
            yield Running(port, service, folder, client)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
