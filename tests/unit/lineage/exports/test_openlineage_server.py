"""OpenLineage events sent to a server on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from openlineage.client.transport import http_common

from lineage.exports import openlineage, openlineage_server
from tasks.runtime.errors import BreathlineError, TransientError


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setitem(http_common.DEFAULT_RETRY_CONFIG, "backoff_factor", 0)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers.get("Authorization"), json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"no such namespace")


@pytest.fixture
def server():
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.got, server.status, server.url = [], 201, f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_events_reach_a_server_in_their_order_with_its_key_and_endpoint(server, made):
    events = openlineage.events(made)
    address = openlineage_server.send(events, {"OPENLINEAGE_URL": f"{server.url}/", "OPENLINEAGE_API_KEY": "secret"})
    assert address == f"{server.url}/api/v1/lineage"
    assert server.got == [("/api/v1/lineage", "Bearer secret", event) for event in events]
    openlineage_server.send([{}], {"OPENLINEAGE_URL": f"{server.url}/marquez", "OPENLINEAGE_ENDPOINT": "/lineage"})
    assert server.got[-1] == ("/marquez/lineage", None, {})


@pytest.mark.slow
@pytest.mark.parametrize(("status", "kind"), [(404, BreathlineError), (503, TransientError)])
def test_a_refusal_shows_the_answer(server, status, kind):
    server.status = status
    with pytest.raises(BreathlineError, match=f"{status} to event 1: no such namespace") as caught:
        openlineage_server.send([{"eventType": "START"}], {"OPENLINEAGE_URL": server.url})
    assert type(caught.value) is kind
    assert len(server.got) == (6 if kind is TransientError else 1)


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [("http://127.0.0.1:9", TransientError, "does not answer"), ("localhost", BreathlineError, "is invalid")],
)
def test_a_server_that_cannot_be_reached_is_an_error(url, kind, message):
    assert openlineage_server.send([{}], {}) is None
    with pytest.raises(BreathlineError, match=message) as caught:
        openlineage_server.send([{}], {"OPENLINEAGE_URL": url})
    assert type(caught.value) is kind
