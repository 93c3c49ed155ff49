"""Fetching, against a real server that breaks off, stalls, lies, and serves errors."""

import random
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources import limits
from tasks.sources.http import fetch_first
from tasks.sources.limits import DownloadLimits
from tasks.sources.retries import RetryPolicy
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.server import Handler, Server, make_certificate, serving

CONTENT = random.Random(1).randbytes(300_000)
NEWER = random.Random(2).randbytes(300_000)
QUICK = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.05, read=0.4, connect=1.0)


@pytest.fixture(autouse=True)
def _file(server: Server) -> None:
    server.files["f"] = CONTENT


def fetched(server: Server, target: Path, **options: object) -> Path:
    return fetch_first([server.url("f")], target, policy=QUICK, **options)


def refused(server: Server, target: Path, **options: object) -> str:
    """Return the error of a fetch that must fail, and of which nothing may look whole."""
    with pytest.raises(BreathlineError) as error:
        fetched(server, target, **options)
    assert not target.exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("first", "ranges"),
    [
        (behave.breaks_off(100_000), [None, "bytes=100000-"]),
        (behave.stalls(100_000, seconds=1.0), [None, "bytes=100000-"]),
        (behave.says(503), [None, None]),
        (behave.says(429, Retry_After="0"), [None, None]),
    ],
    ids=["breaks off", "stalls", "503", "429"],
)
def test_after_a_transient_fault_only_the_rest_is_fetched(tmp_path, server, first, ranges):
    server.script["f"] = [first]
    assert fetched(server, tmp_path / "f").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ranges
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_server_that_ignores_range_starts_again(tmp_path, server):
    server.script["f"] = [behave.breaks_off(100_000), behave.ignores_range]
    assert fetched(server, tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("second", "newer"),
    [(behave.good, NEWER), (behave.ignores_if_range, NEWER), (behave.ignores_versions, NEWER + b"and longer")],
    ids=["If-Range", "ignores If-Range", "only the length tells"],
)
def test_two_versions_of_a_file_are_never_mixed(tmp_path, server, second, newer):
    def changes(handler: Handler) -> None:
        handler.server.files["f"] = newer
        second(handler)

    server.script["f"] = [behave.breaks_off(100_000), changes]
    assert fetched(server, tmp_path / "f").read_bytes() == newer


def test_a_complete_interrupted_download_is_not_fetched_again(tmp_path, server):
    server.script["f"] = [behave.breaks_off(100_000), behave.says(404)]
    refused(server, tmp_path / "f")
    (part,) = tmp_path.glob("*.part")
    part.write_bytes(CONTENT)
    fetched(server, tmp_path / "f")
    assert server.asked[-1] == ("f", f"bytes={len(CONTENT)}-")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_retries_are_limited_and_counted_again_after_progress(tmp_path, server):
    server.script["f"] = [behave.says(500)] * 9
    assert "HTTP 500" in refused(server, tmp_path / "f")
    assert len(server.asked) == QUICK.attempts

    server.files["f"] = CONTENT * 14  # 4.2 MB
    server.script["f"] = [behave.breaks_off(1_100_000), behave.says(500)] * 3
    fetched(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT * 14


def test_the_pause_that_a_server_asks_for_is_kept(tmp_path, server):
    slow = RetryPolicy(attempts=3, first_wait=20.0, longest_wait=20.0)
    server.script["f"] = [behave.says(503, Retry_After="1")]
    begin = time.monotonic()
    fetch_first([server.url("f")], tmp_path / "f", policy=slow)
    assert 1.0 <= time.monotonic() - begin < 10.0

    server.script["f"] = [behave.says(503, Retry_After="9999")]
    assert "try again in 9999 s" in refused(server, tmp_path / "g")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (behave.says(404), "HTTP 404"),
        (behave.lies(by=100), "without sending complete message body"),
        (behave.tells_no_length, "does not send the length"),
        (behave.says(200, Content_Encoding="gzip"), "compresses the file"),
    ],
    ids=["404", "shorter than announced", "no length", "compressed"],
)
def test_an_incomplete_file_never_becomes_the_target(tmp_path, server, answer, what):
    server.script["f"] = [answer] * 9
    assert what in refused(server, tmp_path / "f")


def test_a_wrong_length_is_found_by_hash_and_check(tmp_path, server):
    def whole(path: Path) -> None:
        if path.stat().st_size != len(CONTENT):
            raise BreathlineError("It is not whole.")

    for check in ({"check": whole}, {"sha256": sha256(CONTENT).hexdigest()}):
        server.script["f"] = [behave.lies(by=-100)]
        refused(server, tmp_path / "f", **check)
        assert not list(tmp_path.iterdir()), "what is wrong is not gone on with"


def test_the_next_mirror_is_tried_and_the_error_names_all_faults(tmp_path, server):
    server.files |= {"wrong": NEWER}
    urls = ["http://127.0.0.1:9/f", server.url("absent"), server.url("wrong")]
    wanted = sha256(CONTENT).hexdigest().upper()
    result = fetch_first([*urls, server.url("f")], tmp_path / "f", sha256=wanted, policy=QUICK)
    assert result.read_bytes() == CONTENT

    with pytest.raises(BreathlineError) as error:
        fetch_first(urls, tmp_path / "g", sha256=wanted, policy=QUICK)
    for url, said in zip(urls, ["refused", "HTTP 404", sha256(NEWER).hexdigest()], strict=True):
        assert f"{url}: " in str(error.value)
        assert said in str(error.value)


def test_a_complete_file_is_fetched_again_only_if_its_hash_is_wrong(tmp_path, server):
    (tmp_path / "f").write_bytes(NEWER)
    assert fetched(server, tmp_path / "f").read_bytes() == NEWER
    assert not server.asked
    fetched(server, tmp_path / "f", sha256=sha256(CONTENT).hexdigest())
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451])
def test_a_permanent_status_is_not_tried_again(tmp_path, server, code):
    server.script["f"] = [behave.says(code)] * 9
    assert f"HTTP {code}" in refused(server, tmp_path / "f")
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_a_transient_status_is_tried_again(tmp_path, server, code):
    server.script["f"] = [behave.says(code)]
    assert fetched(server, tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("behaviour", "limit", "what"),
    [
        (behave.sends_headers_slowly, DownloadLimits(seconds=0.3), "0 bytes came within the limit of 8.33e-05 h"),
        (behave.sends_slowly, DownloadLimits(seconds=0.3), "of 1,000,000,000 bytes came within the limit of"),
        (behave.sends_slowly, DownloadLimits(window=0.2), "fewer than 65,536 bytes came in 0 s"),
        (
            behave.sends_slowly,
            DownloadLimits(bytes=10**6),
            "has 1,000,000,000 bytes, and the limit is 1,000,000",
        ),
        (behave.never_ends, DownloadLimits(bytes=10**6), "more than 1,000,000 bytes came, and the limit is"),
    ],
    ids=["slow headers", "slow body", "slower than the limit", "too large", "no end"],
)
def test_each_download_has_limits_of_time_speed_and_size(tmp_path, server, behaviour, limit, what):
    server.script["f"] = [behaviour] * 9
    begin = time.monotonic()
    said = refused(server, tmp_path / "f", limit=limit)
    assert what in said
    assert time.monotonic() - begin < 5
    if "within" in what:
        assert "fetch again to resume, or raise BREATHLINE_DOWNLOAD_HOURS" in said
        assert len(server.asked) == 1
    if "limit is" in what:
        assert "raise BREATHLINE_DOWNLOAD_GB" in said
        assert not list(tmp_path.glob("*.part")), "a file beyond the limit is not kept"


def test_the_limits_are_set_in_the_environment():
    environment = {"BREATHLINE_DOWNLOAD_GB": "0.5", "BREATHLINE_DOWNLOAD_HOURS": "2"}
    found = limits.from_environment(environment)
    assert (found.bytes, found.seconds) == (500_000_000, 7200)
    assert limits.from_environment({"BREATHLINE_DOWNLOAD_GB": ""}) == DownloadLimits()
    for text in ("much", "-1", "0", "nan", "inf"):
        with pytest.raises(BreathlineError, match="BREATHLINE_DOWNLOAD_GB holds no positive number"):
            limits.from_environment({"BREATHLINE_DOWNLOAD_GB": text})


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


def test_a_wrong_file_is_described_and_an_earlier_one_is_fetched_again(tmp_path, server):
    def is_content(path: Path) -> None:
        if path.read_bytes() != CONTENT:
            raise BreathlineError("It is another file.")

    server.script["f"] = [behave.says(200, Content_Type="text/html")]
    said = refused(server, tmp_path / "f", check=is_content)
    assert "It is another file. Received: 15 bytes of the type text/html, which begin with b'<html>no</html>'" in said
    (tmp_path / "f").write_bytes(b"<html>kept by an earlier version</html>")
    assert fetched(server, tmp_path / "f", check=is_content).read_bytes() == CONTENT


def test_a_damaged_description_of_a_part_starts_again(tmp_path, server):
    server.script["f"] = [behave.breaks_off(100_000), behave.says(404)]
    refused(server, tmp_path / "f")
    (card,) = tmp_path.glob("*.json")
    for content in ("", '{"total": ', "[]", "{}"):
        card.write_text(content)
        assert fetched(server, tmp_path / "f").read_bytes() == CONTENT
        (tmp_path / "f").rename(next(tmp_path.glob("*.part"), tmp_path / "f.x.part"))
        card.write_text(content)


def test_passwords_in_addresses_are_not_shown(tmp_path, server, caplog):
    url = server.url("absent").replace("127.0.0.1", "me:secret@127.0.0.1")
    caplog.set_level("INFO")
    with pytest.raises(BreathlineError, match="HTTP 404") as error:
        fetch_first([url], tmp_path / "f", policy=QUICK)
    assert "secret" not in str(error.value) + caplog.text


FETCH = """\
import resource, sys
from pathlib import Path
from tasks.sources.http import fetch_first
if sys.argv[2:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
fetch_first([sys.argv[1]], Path("f"))
"""


def test_the_download_of_a_killed_process_is_resumed(tmp_path, server):
    server.script["f"] = [behave.trickles]
    process = subprocess.Popen([sys.executable, "-c", FETCH, server.url("f")], cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not any(part.stat().st_size > 50_000 for part in tmp_path.glob("*.part")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "f").exists()
    (part,) = tmp_path.glob("*.part")
    came = part.stat().st_size
    assert 50_000 < came < len(CONTENT)

    assert fetched(server, tmp_path / "f").read_bytes() == CONTENT
    assert server.asked[-1] == ("f", f"bytes={came}-")


def test_a_full_disk_is_named_and_the_download_is_resumed(tmp_path, server):
    command = [sys.executable, "-c", FETCH, server.url("f"), "100000"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DiskError: A file would exceed the largest size" in done.stderr
    assert "where: f (the limit of this process is 100.0 kB)" in done.stderr
    assert not (tmp_path / "f").exists()
    assert fetched(server, tmp_path / "f").read_bytes() == CONTENT
    assert server.asked[-1][1] == "bytes=100000-"


def test_missing_space_is_reported_before_the_download(tmp_path, server, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    shown = refused(server, tmp_path / "f")
    assert f"The disk is full.\n  where: {tmp_path}" in shown
    assert "make room for 300.0 kB" in shown
