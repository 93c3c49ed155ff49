"""Searches for garbage in short commands, in servers, and while a graph is read."""

import gc

import pytest

from tasks.runtime import garbage
from tasks.serving import running


@pytest.fixture(autouse=True)
def restored():
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)


def test_a_server_searches_for_garbage_as_often_as_python_does(monkeypatch):
    found = []
    monkeypatch.setattr(running, "settings", lambda *_: None)
    monkeypatch.setattr(running.uvicorn, "Server", lambda _: Server(found))
    monkeypatch.setattr(running.signal, "signal", lambda *_: None)
    monkeypatch.setattr(running.telemetry, "log_to_standard_error", lambda: None)
    gc.set_threshold(garbage.OBJECTS)
    running.serve(lambda _: None, None, 0)
    assert found == [garbage.PYTHONS]


class Server:
    def __init__(self, found):
        self.found = found

    def run(self, sockets):
        self.found.append(gc.get_threshold())


def test_no_search_is_made_within_a_pause():
    with garbage.paused():
        assert not gc.isenabled()
    assert gc.isenabled()
