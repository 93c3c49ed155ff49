"""Proxies of the environment, with a real address at which nothing answers."""

import os

import pytest

from tasks.runtime.errors import BreathlineError
from tasks.sources import proxies
from tasks.sources.http import fetch_first
from tasks.sources.retries import RetryPolicy

DEAD = "http://127.0.0.1:9"
QUICK = RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.01)
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(server, monkeypatch):  # the server of the tests sets NO_PROXY
    for name in (*NAMES, *map(str.lower, NAMES)):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_loopback_is_reached_without_the_proxy(tmp_path, server, monkeypatch, variable):
    server.files["f"] = b"content"
    monkeypatch.setenv(variable, DEAD)
    with pytest.raises(BreathlineError, match="refused"):
        fetch_first([server.url("f")], tmp_path / "f", policy=QUICK)
    monkeypatch.setenv("NO_PROXY", "intranet.example, 127.0.0.1")
    monkeypatch.setenv("no_proxy", "")
    proxies.bypass_loopback()
    assert os.environ["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,::1"
    assert fetch_first([server.url("f")], tmp_path / "f", policy=QUICK).read_bytes() == b"content"
    assert proxies.proxy_of("http://localhost/f") is None


def test_without_a_proxy_nothing_is_set():
    environment = {"NO_PROXY": "intranet.example"}
    proxies.bypass_loopback(environment)
    assert environment == {"NO_PROXY": "intranet.example"}


def test_the_error_names_the_proxy_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@127.0.0.1:9")
    with pytest.raises(BreathlineError, match=r"proxy of HTTPS_PROXY=http://127\.0\.0\.1:9\)") as error:
        fetch_first(["https://host.invalid/f"], tmp_path / "f", policy=QUICK)
    assert "Connection refused" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_proxy_that_asks_for_a_password_is_not_tried_again(tmp_path, server, monkeypatch):
    asked = []

    def answer(_server, request, _address):
        asked.append(request)
        _answer_407(request)

    monkeypatch.setattr(type(server), "finish_request", answer)
    monkeypatch.setenv("HTTPS_PROXY", server.url())
    with pytest.raises(BreathlineError, match="407 Proxy Authentication Required") as error:
        fetch_first(["https://host.invalid/f"], tmp_path / "f", policy=QUICK)
    assert type(error.value) is BreathlineError
    assert len(asked) == 1


def _answer_407(request) -> None:
    received = b""
    while b"\r\n\r\n" not in received:  # what is not read ends the connection with an error instead of the answer
        part = request.recv(4096)
        if not part:  # the client has gone
            return
        received += part
    request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_a_missing_socks_package_is_named(tmp_path, monkeypatch, variable):
    monkeypatch.setattr(proxies, "find_spec", lambda _: None)
    monkeypatch.setenv(variable, "socks5://me:secret@127.0.0.1:9")
    with pytest.raises(BreathlineError, match=f"{variable} names a SOCKS proxy, and the package socksio") as error:
        fetch_first(["https://host.invalid/f"], tmp_path / "f", policy=QUICK)
    assert f"(`pip install socksio`), or unset {variable}" in str(error.value)
    assert "secret" not in str(error.value)
    monkeypatch.setattr(proxies, "find_spec", lambda _: object())
    proxies.check()


@pytest.mark.parametrize(
    "value", ["http://", "ftp://127.0.0.1", "http://[::1", "http://me:secret@host:port", "a b://c"]
)
def test_a_malformed_address_of_a_proxy_is_named(tmp_path, monkeypatch, value):
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(BreathlineError, match="HTTPS_PROXY is not the address of a proxy") as error:
        fetch_first(["https://host.invalid/f"], tmp_path / "f", policy=QUICK)
    assert "secret" not in str(error.value)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    proxies.check()
