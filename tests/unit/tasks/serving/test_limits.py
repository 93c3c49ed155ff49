"""Limits of the server: slow, huge and cancelled requests, and a full disk."""

import contextlib
import hashlib
import json
import resource
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from tasks.serving import batching, connections
from tests.unit.tasks.serving import hostile
from tests.unit.tasks.serving.servers import problem, running_server
from tests.waiting import wait_until

SOUND = hostile.sound(2.5)


def test_a_body_without_a_length_is_limited_too(server):
    chunks = (bytes(2**16) for _ in range(1000))  # all of it is sent before the answer is read
    problem(server.client.post("/predict", content=chunks, headers={"Content-Type": "audio/wav"}), 413)
    problem(server.client.post("/predict?format=xml", content=SOUND), 422)


@pytest.mark.slow
def test_a_slow_upload_ends_with_408(tmp_path):
    with running_server(tmp_path, timeout_s=0.3) as server:
        answer = server.raw(hostile.request(SOUND[:100], length=len(SOUND)))
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"took longer than 0.3 s" in answer
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_connection_without_a_whole_head_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    with running_server(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port)) as sent:
        sent.sendall(b"POST /predict HTTP/1.1\r\nHost: 127")
        sent.settimeout(60)
        assert sent.recv(100) == b""
        assert server.client.get("/healthz").status_code == 200


def test_a_huge_head_is_refused(server):
    answer = server.raw(hostile.request(b"", headers=[f"X: {'x' * 2_000_000}"]))
    assert answer.startswith(b"HTTP/1.1 400") or answer == b""  # or the connection is closed under the sender
    assert server.client.get("/healthz").status_code == 200


@pytest.mark.slow
def test_requests_beyond_the_limit_get_429_and_then_pass(tmp_path):
    with running_server(tmp_path, requests=2) as server:
        server.engine.gate.clear()
        threads = [threading.Thread(target=server.post, args=(SOUND,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: server.in_flight() == 2)
        refused = server.post(SOUND)
        assert problem(refused, 429).detail.startswith("2 predictions are under way")
        assert refused.headers["retry-after"] == "1"
        server.engine.gate.set()
        for thread in threads:
            thread.join()
        assert server.post(SOUND).status_code == 200


def test_slow_uploads_keep_no_prediction_waiting_and_have_a_limit_of_their_own(tmp_path):
    with running_server(tmp_path, requests=1) as server, contextlib.ExitStack() as opened:
        for count in range(1, 5):
            if count == 4:
                assert server.post(SOUND).status_code == 200  # beside three that have not ended
            sent = opened.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            sent.sendall(hostile.request(SOUND[:5000], length=len(SOUND)))
            wait_until(lambda expected=count: len(list(tmp_path.iterdir())) == expected)
        assert problem(server.post(SOUND), 429).detail.startswith("4 uploads are under way")


@pytest.mark.slow
def test_a_slow_prediction_ends_with_503_and_the_next_one_passes(tmp_path):
    uploads, log = tmp_path / "uploads", tmp_path / "use.jsonl"
    uploads.mkdir()
    with running_server(uploads, use_log=log, timeout_s=1) as server:
        server.engine.gate.clear()
        refused = server.post(SOUND)
        assert "took longer than 1 s" in problem(refused, 503).detail
        entry = json.loads(log.read_text(encoding="utf-8"))
        assert (entry["file_sha256"], entry["decisions"]) == (hashlib.sha256(SOUND).hexdigest(), {"not_judged": 1})
        assert refused.headers["retry-after"]
        server.engine.gate.set()
        wait_until(lambda: server.post(SOUND).status_code == 200)
        assert not list(uploads.iterdir())


@pytest.mark.slow
def test_a_recording_that_is_slow_to_read_ends_with_503(tmp_path, monkeypatch):
    clock = SimpleNamespace(monotonic=time.monotonic)
    monkeypatch.setattr(batching, "time", clock)
    with running_server(tmp_path, timeout_s=60) as server:
        predictor = server.service._predictor
        predict = predictor.predict

        def read_slowly(*arguments, **options):
            clock.monotonic = lambda: time.monotonic() + 60  # since the ticket of the request
            return predict(*arguments, **options)

        monkeypatch.setattr(predictor, "predict", read_slowly)
        assert "took longer than 60 s" in problem(server.post(SOUND), 503).detail


@pytest.mark.slow
def test_a_client_that_is_gone_leaves_no_file_and_no_place_taken(tmp_path):
    with running_server(tmp_path, requests=1) as server:
        for part, predicting in ((SOUND[:5000], False), (SOUND, True)):
            with socket.create_connection(("127.0.0.1", server.port)) as sent:
                server.engine.gate.clear()
                sent.sendall(hostile.request(part, length=len(SOUND)))
                wait_until(server.in_flight if predicting else lambda: list(tmp_path.iterdir()))
            server.engine.gate.set()
            wait_until(lambda: not server.in_flight() and not list(tmp_path.iterdir()))
        assert server.post(SOUND).status_code == 200


def test_a_disk_that_takes_no_more_is_told(server):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        responses = [server.post(SOUND), server.client.post("/predict", files={"file": ("a.wav", SOUND)})]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for response in responses:
        found = problem(response, 507)
        assert found.detail.startswith("The server cannot store the recording. A file would exceed the largest size")
        assert str(server.folder) not in json.dumps(found.model_dump())
    assert not list(server.folder.iterdir())
    assert server.post(SOUND).status_code == 200
