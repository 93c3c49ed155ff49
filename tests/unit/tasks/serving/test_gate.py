"""Gate of the server: host, origin and token."""

import pytest

from tests.unit.tasks.serving import hostile
from tests.unit.tasks.serving.servers import running_server

SOUND = hostile.sound(0.5)
TOKEN = "tökén"  # noqa: S105 - of this test
OTHERS = ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example", "[::1", "evil:1"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("serve"), token=TOKEN) as found:
        yield found


@pytest.mark.parametrize("path", ["/model", "/metrics", "/predict", "/nothing", "/model/", "//model", "/%6dodel"])
@pytest.mark.parametrize("given", [None, "Bearer", "Bearer wrong", "Basic s3cret", "Bearer t\u00f6k\u00e9n2"])
def test_without_the_token_nothing_of_the_model_is_shown(server, path, given):
    headers = {} if given is None else {"Authorization": given.encode("utf-8")}
    method, url = "POST" if path == "/predict" else "GET", f"http://127.0.0.1:{server.port}{path}"
    response = server.client.request(method, url, content=b"", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer TOKEN" in response.json()["next"]


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
def test_open_addresses_show_no_fact_of_the_model_where_a_token_is_set(server, path):
    text = server.client.get(path).text
    model = server.service.model
    for fact in (model.label, model.id, model.banner, *model.classes[1:], *server.service.facts.values()):
        assert fact not in text
    headers = {"Authorization": f"Bearer {TOKEN}".encode()}
    found = server.client.get("/model", headers=headers).json()  # the page asks for them with the token
    assert (found["label"], found["banner"], found["facts"]) == (model.label, model.banner, server.service.facts)
    assert 'id="facts"' in server.client.get("/").text


def test_with_the_token_all_is_open(server):
    headers = {"Authorization": f"Bearer {TOKEN}".encode()}
    assert server.post(SOUND, headers=headers).status_code == 200
    assert server.client.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/recorder.js", "/healthz", "/readyz", "/openapi.json"])
def test_page_and_probes_need_no_token(server, path):
    assert server.client.get(path).status_code == 200


def test_the_token_is_refused_before_the_body_is_read(server):
    request = hostile.request(b"", length=10**9)
    assert server.raw(request).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("host", OTHERS)
def test_another_host_is_refused(server, host):
    answer = server.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400")
    probe = server.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert probe.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_own_names_are_accepted(server, host):
    assert server.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()).startswith(
        b"HTTP/1.1 200"
    )


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1.evil.example", "x"])
def test_a_page_of_another_site_is_refused(server, origin):
    headers = {"Authorization": f"Bearer {TOKEN}".encode(), "Origin": origin}
    assert server.post(SOUND, headers=headers).status_code == 403
    assert server.client.get("/", headers={"Origin": f"http://127.0.0.1:{server.port}"}).status_code == 200
