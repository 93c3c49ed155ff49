"""Fetching, against a real server that breaks off, stalls, lies, and serves errors."""

import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tasks.runtime.errors import BreathlineError
from tasks.sources.http import fetch_first
from tasks.sources.retries import RetryPolicy
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.fetching import CONTENT, NEWER, QUICK, fetched, refused
from tests.unit.tasks.sources.server import Handler


@pytest.mark.parametrize(
    ("first", "policy", "ranges"),
    [
        (behave.breaks_off(100_000), QUICK, [None, "bytes=100000-"]),
        (behave.stalls(100_000, seconds=20.0), replace(QUICK, read=1.0), [None, "bytes=100000-"]),
        (behave.says(503), QUICK, [None, None]),
        (behave.says(429, Retry_After="0"), QUICK, [None, None]),
    ],
    ids=["breaks off", "stalls", "503", "429"],
)
def test_after_a_transient_fault_only_the_rest_is_fetched(tmp_path, server, first, policy, ranges):
    server.script["f"] = [first]
    assert fetched(server, tmp_path / "f", policy=policy).read_bytes() == CONTENT
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


@pytest.mark.slow
def test_the_pause_that_a_server_asks_for_is_kept(tmp_path, server):
    slow = RetryPolicy(attempts=3, first_wait=60.0, longest_wait=60.0)
    server.script["f"] = [behave.says(503, Retry_After="1")]
    begin = time.monotonic()
    fetch_first([server.url("f")], tmp_path / "f", policy=slow)
    assert 1.0 <= time.monotonic() - begin < slow.first_wait

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
