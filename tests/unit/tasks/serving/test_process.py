"""Process of the server: its end, what a kill leaves, its token, and errors at its start."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from cli.serve_model import read_token, serve_model
from tasks.prediction import predictor
from tasks.runtime.errors import BreathlineError
from tasks.serving import answers
from tasks.serving.settings import TOKEN_VARIABLE
from tests.unit.tasks.serving import hostile, tiny
from tests.unit.tasks.serving.processes import process
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.write(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make the current folder one of Git, without a model."""
    monkeypatch.chdir(tmp_path)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Begin"], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.long)]
)
def test_a_signal_lets_requests_under_way_finish(model, tmp_path, number, status):
    content = tiny.sound(tiny.NORMAL)
    with process(tmp_path, model, "--grace", "60") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as sent:
            request = hostile.request(content)
            sent.sendall(request[:-100])
            wait_until(server.files)
            server.popen.send_signal(number)
            wait_until(lambda: not accepts(server.port))
            sent.sendall(request[-100:])
            answer = b""
            while chunk := sent.recv(65536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"predicted":"normal"' in answer
        assert server.popen.wait(60) == status
        assert not list(tmp_path.glob("breathline-serve-*"))


@pytest.mark.slow
def test_the_end_waits_no_longer_than_the_grace(model, tmp_path):
    with (
        process(tmp_path, model, "--grace", "1") as server,
        socket.create_connection(("127.0.0.1", server.port)) as sent,
    ):
        sent.sendall(hostile.request(b"x" * 100, length=1000))
        wait_until(server.files)
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(45) == 143  # not the 60 s of the request
        assert not list(tmp_path.glob("breathline-serve-*"))


@pytest.mark.slow
def test_the_next_start_removes_what_a_killed_server_left(model, tmp_path):
    with (
        process(tmp_path, model) as server,
        socket.create_connection(("127.0.0.1", server.port)) as sent,
    ):
        sent.sendall(hostile.request(b"x" * 100, length=1000))
        wait_until(server.files)
        server.popen.send_signal(signal.SIGKILL)
        server.popen.wait()
    assert server.files()
    other = tmp_path / f"breathline-serve-{os.getpid()}-running"  # of a process that runs
    other.mkdir()
    with process(tmp_path, model):
        assert not server.files()
        assert other.is_dir()


def test_the_token_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert read_token(None) is None
    monkeypatch.setenv(TOKEN_VARIABLE, "of-environment")
    assert read_token(None) == "of-environment"
    (tmp_path / "token").write_text("of-file\n", encoding="ascii")
    assert read_token(tmp_path / "token") == "of-file"


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        ({"host": "::"}, None, ("can be reached by other machines", "openssl rand -hex 32 > token")),
        ({"token_file": Path("missing")}, None, ("The token cannot be read: No such file", "missing")),
        ({"maps": True}, None, ("The engine onnx draws no maps", "--engine torch")),
        ({}, "", ("The token is empty", "BREATHLINE_SERVE_TOKEN")),
        ({}, "two words", ("other characters than visible ones", "openssl rand -hex 32")),
        ({"host": "no.such.host.invalid"}, "abc", ("The server cannot listen", "--port")),
        ({"model": "missing"}, None, ("'missing' is no folder of a model", "hf:owner/name")),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_wrong_start_says_what_to_do(model, monkeypatch, options, token, words):
    monkeypatch.delenv("BREATHLINE_SERVE_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("BREATHLINE_SERVE_TOKEN", token)
    with pytest.raises(BreathlineError) as refused:
        serve_model(**{"model": str(model), "port": 0} | options)
    assert all(word in str(refused.value) for word in words), refused.value


def test_clients_see_the_last_two_parts_of_a_folder_alone(model):
    identity = predictor.load(model, str(model)).identity
    assert answers.model(identity).label == f"{model.parent.name}/{model.name}"


def test_a_port_that_is_taken_is_told(model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BreathlineError, match="Address already in use") as refused:
            serve_model(str(model), port=port)
    assert refused.value.where == f"127.0.0.1:{port}"


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
