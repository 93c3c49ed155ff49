"""Servers in a thread of the test's process, on a free port of loopback."""

import socket
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import uvicorn

from tasks.prediction import predictor
from tasks.serving import app, running
from tasks.serving.answers import ProblemDetails
from tasks.serving.service import Service
from tasks.serving.settings import LOOPBACK, Limits
from tests.unit.tasks.serving import tiny

LABEL = "tiny@v1.0.0"


class GatedEngine:
    """Engine that waits before each run while `gate` is cleared.

    Args:
        engine: Engine that runs.
    """

    def __init__(self, engine):
        self._engine, self.gate = engine, threading.Event()
        self.gate.set()

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def run(self, waveforms, offsets=None):
        self.gate.wait(60)
        return self._engine.run(waveforms, offsets)


@dataclass
class Running:
    """Server with its address, client, engine and temporary folder."""

    port: int
    service: Service
    engine: GatedEngine
    folder: Path
    client: httpx.Client

    def post(self, content, kind="audio/wav", **options):
        headers = {"Content-Type": kind, **options.pop("headers", {})}
        return self.client.post("/predict", content=content, headers=headers, **options)

    def in_flight(self):
        """Return the number of predictions at this moment."""
        return self.service.metrics.in_flight._value.get()

    def raw(self, request, timeout=60.0):
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


@cache
def _kept():
    return tempfile.TemporaryDirectory(prefix="tiny-model-")  # removed when the process ends


@contextmanager
def running_server(folder, model=None, *, token=None, use_log=None, engine="auto", maps=False, **limits):
    """Yield a running server.

    Args:
        folder: Folder of temporary files.
        model: Folder of the model; None for the tiny one.
        token: Token that requests must state.
        use_log: Log of use; None for none.
        engine: Engine of the model.
        maps: Whether answers have maps.
        limits: Limits that are not the defaults.
    """
    loaded = predictor.load(model or tiny.write(Path(_kept().name)), LABEL, engine=engine)
    loaded.engine = GatedEngine(loaded.engine)
    service = Service(loaded, Limits(**limits), use_log, maps=maps)
    application = app.create(service, folder, hosts=LOOPBACK, token=token)
    listener = running.listen("127.0.0.1", 0)
    server = uvicorn.Server(running.settings(application, grace_s=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        try:
            yield Running(port, service, loaded.engine, folder, client)
        finally:
            loaded.engine.gate.set()
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()


def problem(response, status):
    """Return the problem that a response holds, of the expected status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return ProblemDetails.model_validate(response.json())
