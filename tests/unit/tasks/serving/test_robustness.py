"""Load and hostile requests against the process of a server: it stays up, its memory flat, and its answers right."""

import io
import json
import random
import re
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
import soundfile

from tests.unit.tasks.serving import hostile, tiny
from tests.unit.tasks.serving.processes import process

GROWTH_MB = 40  # more memory than after the first requests


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    model = tiny.write(folder / "model")
    with process(folder, model, "--timeout", "4", "--max-mb", "4", "--max-seconds", "120") as found:
        yield found


def sound(numbers):
    """Return the bytes of a recording of 1 to 5 s and the probabilities of its windows."""
    seconds, level = numbers.randint(1, 5), numbers.uniform(0.01, 0.2)
    samples = np.random.default_rng(numbers.randrange(10**6)).normal(0, level, seconds * tiny.RATE)
    file = io.BytesIO()
    soundfile.write(file, samples, tiny.RATE, format="WAV", subtype="PCM_16")
    stored, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")
    windows = stored.reshape(seconds, tiny.RATE)
    return file.getvalue(), [tiny.probabilities(one) for one in windows]


def ask(client, numbers):
    """Send a recording, and check the answer."""
    content, expected = sound(numbers)
    response = client.post("/predict", content=content, headers={"Content-Type": "audio/wav"})
    response.raise_for_status()
    found = [list(one["probabilities"].values()) for one in response.json()["segments"]]
    assert np.allclose(found, expected, atol=1e-4)


def load(server, clients, seconds, least=1):
    """Let clients send recordings in parallel; return the number of right answers, and the seconds of the slowest.

    Each client sends `least` recordings, however long that takes.
    """
    end, slowest = time.monotonic() + seconds, [0.0] * clients

    def work(index):
        numbers, count = random.Random(index), 0
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            while time.monotonic() < end or count < least:
                start = time.monotonic()
                ask(client, numbers)
                slowest[index] = max(slowest[index], time.monotonic() - start)
                count += 1
        return count

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(work, range(clients))), max(slowest)


def check(server, before):
    """Check that a server is up, holds no upload, and has not taken much more memory."""
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        for index in range(3):
            ask(client, random.Random(index))
        metrics = client.get("/metrics").text
    assert "breathline_predictions_in_flight 0.0" in metrics
    assert server.files() == []
    assert server.memory() - before < GROWTH_MB
    assert not [line for line in server.lines() if '"event": "defect"' in line]


def say(text):
    """Print a figure, for docs/explanation/reliability.md."""
    sys.stdout.write(f"\n{text}\n")


def warm(server):
    load(server, 8, 0.3)
    return server.memory()


@pytest.mark.slow  # 6 s of load
def test_eight_clients_at_once_get_right_answers(server):
    before = warm(server)
    load(server, 8, 2, least=3)  # hundreds of answers on cores without other work
    check(server, before)


@pytest.mark.slow  # 5 s: 60 requests, some of them slow on purpose
def test_hostile_requests_are_refused_and_the_server_stays_up(server):
    before = warm(server)
    send_hostile(server, 60)
    check(server, before)


@pytest.mark.long
def test_eight_clients_for_a_minute(server):
    before = warm(server)
    start = server.memory()
    answers, slowest = load(server, 8, 60)
    say(f"{answers} answers in 60 s, the slowest in {slowest:.2f} s; {start:.0f} to {server.memory():.0f} MB")
    assert answers > 500
    check(server, before)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_thousand_hostile_requests(server):
    before = warm(server)
    start = time.monotonic()
    counts = send_hostile(server, 1000)
    say(f"1000 requests in {time.monotonic() - start:.0f} s: {counts}; {before:.0f} to {server.memory():.0f} MB")
    check(server, before)


def send_hostile(server, count):
    """Send hostile requests by eight clients, beside one with good recordings; return the answers by status."""
    counts, done = Counter(), threading.Event()

    def send(named):
        name, request = named
        status = answered(server, request)
        assert status in {"200", "400", "401", "403", "404", "405", "408", "413", "415", "422", "closed"}, name
        counts[status] += 1

    def ask_on():
        numbers = random.Random(0)
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            while not done.is_set():
                ask(client, numbers)
                counts["good recordings"] += 1

    with ThreadPoolExecutor(9) as pool:
        good = pool.submit(ask_on)
        try:
            list(pool.map(send, hostile.requests(count)))
        finally:
            done.set()
        good.result()
    assert counts["good recordings"] > 0
    return dict(sorted(counts.items()))


def answered(server, request, timeout=60):
    """Return the status of the answer to a request, or `closed`."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as connection:
        try:
            connection.sendall(request)
            while chunk := connection.recv(65536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    # The answer to `Expect: 100-continue` comes before that to the request.
    found = [status.decode() for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received) if status != b"100"]
    return found[0] if found else "closed"


@pytest.mark.slow
def test_a_small_file_with_much_sound_takes_little_memory(server):
    before = warm(server)
    for content, statuses in ((hostile.silence(40, 8), {200, 503}), (hostile.silence(130, 1), {422})):
        assert len(content) < 2**18
        headers = {"Content-Type": "audio/flac"}
        response = httpx.post(f"{server.url}/predict", content=content, headers=headers, timeout=60)
        assert response.status_code in statuses
    assert "lasts 130 s" in response.json()["detail"]
    check(server, before)


@pytest.mark.slow
def test_clients_that_are_slow_or_gone_take_no_place_for_long(server):
    before = warm(server)
    content, _ = sound(random.Random(0))
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(24)]
    for index, connection in enumerate(connections):
        connection.sendall(hostile.request(content)[: (100, 1000, 5000)[index % 3]])
        if index % 2:
            connection.close()
    time.sleep(0.5)
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        deadline = time.monotonic() + 60
        while client.get("/healthz").status_code != 200 or server.files():
            assert time.monotonic() < deadline
            time.sleep(0.2)
    for connection in connections[::2]:
        connection.close()
    check(server, before)


@pytest.mark.slow
def test_logs_are_lines_of_json_without_names_and_addresses(server):
    name = "Erika_Mustermann.wav"
    content, _ = sound(random.Random(0))
    for files in ({"file": (name, content)}, {"file": (name, content[:-10])}, {"other": (name, content)}):
        httpx.post(f"{server.url}/predict?name={name}", files=files, headers={"User-Agent": name}, timeout=60)
    deadline = time.monotonic() + 60  # a line is written after its answer
    while sum('"/predict"' in line for line in server.lines()) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    lines = [json.loads(line) for line in server.lines()]
    assert {"time", "level", "event"} <= set.intersection(*map(set, lines))
    requests = [line for line in lines if line["event"] == "request" and line["route"] == "/predict"]
    assert {"request", "method", "route", "status", "seconds", "bytes", "segments"} <= set(requests[-3])
    text = server.log.read_text(encoding="utf-8")
    assert "Mustermann" not in text
    assert "127.0.0.1" not in text
