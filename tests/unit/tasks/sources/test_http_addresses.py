"""Addresses of a download: redirects, tokens, other kinds, certificates, and passwords."""

import pytest

from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources.http import fetch_first
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.fetching import CONTENT, QUICK, fetched, refused
from tests.unit.tasks.sources.server import Handler, make_certificate, serving


def test_redirects_are_followed_but_not_in_a_circle(tmp_path, server):
    server.script["moved"] = [behave.leads_to(server.url("f"))]
    assert fetch_first([server.url("moved")], tmp_path / "f", policy=QUICK).read_bytes() == CONTENT
    server.script["circle"] = [behave.leads_to(server.url("circle"))] * 99
    with pytest.raises(BreathlineError, match="redirects"):
        fetch_first([server.url("circle")], tmp_path / "g", policy=QUICK)
    assert len([name for name, _ in server.asked if name == "circle"]) <= 21


def test_a_token_is_sent_to_its_own_server_only(tmp_path, server):
    seen = {}

    def note(handler: Handler) -> None:
        seen[handler.path] = handler.headers["Authorization"]
        behave.good(handler)

    with serving() as other:
        other.files["g"] = CONTENT
        other.script["g"] = [note]
        server.script |= {"f": [note], "moved": [behave.leads_to(other.url("g"))]}
        fetched(server, tmp_path / "f", headers={"Authorization": "Bearer x"})
        fetch_first([server.url("moved")], tmp_path / "g", policy=QUICK, headers={"Authorization": "Bearer x"})
    assert seen == {"/f": "Bearer x", "/g": None}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/f", "gopher://127.0.0.1/f"])
def test_other_kinds_of_addresses_are_refused_also_after_a_redirect(tmp_path, server, url):
    server.script["f"] = [behave.leads_to(url)]
    kind = url.partition("//")[0]
    assert f"an address of the kind `{kind}` is not fetched" in refused(server, tmp_path / "f")
    assert len(server.asked) == 1
    with pytest.raises(BreathlineError, match=f"kind `{kind}`") as error:
        fetch_first([url], tmp_path / "f", policy=QUICK)
    assert not isinstance(error.value, TransientError)


def test_https_checks_the_certificate_and_never_leads_to_http(tmp_path, server, monkeypatch):
    certificate = make_certificate(tmp_path)
    with serving(certificate) as protected:
        protected.files["f"] = CONTENT
        with pytest.raises(BreathlineError, match="CERTIFICATE_VERIFY_FAILED") as error:
            fetch_first([protected.url("f")], tmp_path / "f", policy=QUICK)
        assert not isinstance(error.value, TransientError)
        assert not protected.asked

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert fetch_first([protected.url("f")], tmp_path / "f", policy=QUICK).read_bytes() == CONTENT
        protected.script["moved"] = [behave.leads_to(server.url("f"))]
        with pytest.raises(BreathlineError, match="leads from https to http://127") as error:
            fetch_first([protected.url("moved")], tmp_path / "g", policy=QUICK)
        assert not isinstance(error.value, TransientError)
        assert not server.asked


def test_http_where_https_is_expected_is_permanent(tmp_path, server):
    with pytest.raises(BreathlineError, match="SSL") as error:
        fetch_first([server.url("f").replace("http:", "https:")], tmp_path / "f", policy=QUICK)
    assert not isinstance(error.value, TransientError)


def test_passwords_in_addresses_are_not_shown(tmp_path, server, caplog):
    url = server.url("absent").replace("127.0.0.1", "me:secret@127.0.0.1")
    caplog.set_level("INFO")
    with pytest.raises(BreathlineError, match="HTTP 404") as error:
        fetch_first([url], tmp_path / "f", policy=QUICK)
    assert "secret" not in str(error.value) + caplog.text
