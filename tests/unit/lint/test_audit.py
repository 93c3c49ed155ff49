"""Audit of the lock, against a stand-in of the database of OSV on loopback."""

import json
import re
from functools import partial
from pathlib import Path

import pytest

from tests.lint import audit
from tests.unit.tasks.sources.server import Handler, Server, serving

ROOT = Path(__file__).parents[3]
SHA = "--hash=sha256:" + "0" * 64
TEXT = f"idna==3.4 \\\n    {SHA}\njinja2==3.1.2 ; sys_platform == 'linux' \\\n    {SHA} \\\n    {SHA}\n"
VULNERABILITY = {
    "id": "PYSEC-0",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "It takes a long time.",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.7"}]}],
        }
    ],
}


class Database(Handler):
    def do_POST(self) -> None:  # noqa: N802 - http.server calls it
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        self.server.asked += [(query["package"]["name"], query["version"]) for query in queries]
        if script := self.server.script["querybatch"]:
            return script[0](self)
        known = {"vulns": [{key: VULNERABILITY[key] for key in ("id", "modified")}]}
        return self._json({"results": [known if query["package"]["name"] == "idna" else {} for query in queries]})

    def do_GET(self) -> None:  # noqa: N802 - http.server calls it
        self._json(VULNERABILITY)

    def _json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode(), Content_Type="application/json")


@pytest.fixture
def database(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with serving() as server:
        server.RequestHandlerClass = Database
        yield server


def checked(folder: Path, text: str, service: str) -> tuple[int, str]:
    (folder / "requirements.lock").write_text(text, encoding="utf-8")
    status, lines = audit.check(folder / "requirements.lock", service)
    return status, "\n".join(lines)


def test_a_vulnerable_package_is_named_and_fails(tmp_path, database: Server):
    status, printed = checked(tmp_path, TEXT, database.url())
    assert status == 1
    assert "idna 3.4: PYSEC-0: It takes a long time. (mended in 3.7; https://osv.dev/vulnerability/PYSEC-0)" in printed
    assert "2 packages, 1 known vulnerabilities" in printed
    assert checked(tmp_path, TEXT.partition("jinja2")[2].join(["jinja2", ""]), database.url())[0] == 0


def test_all_packages_of_the_lock_are_asked_for(database: Server):
    lock = ROOT / "requirements.lock"
    packages = audit.pinned(lock.read_text(encoding="utf-8"))
    assert len(packages) == len(re.findall(r"^[a-z].*==", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)) > 200
    audit.check(lock, database.url())
    assert sorted((name, version) for name, version in database.asked if version) >= sorted(packages)


def test_without_a_network_nothing_is_checked_and_this_is_said(tmp_path, database: Server):
    said = "NOT CHECKED: no network to the database of vulnerabilities"
    status, printed = checked(tmp_path, TEXT, "http://127.0.0.1:9/")
    assert (status, said in printed) == (0, True)
    database.script["querybatch"] = [partial(Handler.answer, code=503)]
    status, printed = checked(tmp_path, TEXT, database.url())
    assert (status, said in printed) == (0, True)


def test_an_answer_that_is_none_fails(tmp_path, database: Server):
    for answer in (partial(Handler.answer, code=404), partial(Handler.answer, code=200, body=b"<html>")):
        database.script["querybatch"] = [answer]
        assert checked(tmp_path, TEXT, database.url())[0] == 2


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (f"idna>=3.4 \\\n    {SHA}", "no exact version"),
        (f"idna==3.* \\\n    {SHA}", "no exact version"),
        ("idna==3.4", "no hash"),
        ("idna==3.4 --hash=md5:0", "no hash"),
        (f"-e . {SHA}", "not a requirement"),
        (f"idna @ https://example.org/idna.zip {SHA}", "no exact version"),
    ],
)
def test_an_entry_that_is_not_pinned_is_named(tmp_path, entry, what):
    status, printed = checked(tmp_path, entry, "http://127.0.0.1:9/")
    assert status == 1
    assert what in printed


@pytest.mark.parametrize("file", ["Makefile", "deploy/Dockerfile", "deploy/serve.Dockerfile"])
def test_packages_are_installed_by_hash_only(file):
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"(?:pip install|pip sync) [^&\n]*", text)
    assert commands
    for command in commands:
        assert "--require-hashes" in command or "--no-deps" in command, command


def test_every_exemption_from_a_rule_of_security_has_a_reason():
    folders = ("benchmarks", "breathline", "cli", "docs", "flows", "lineage", "models", "tasks", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    exempt = [
        line.strip()
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"# noqa: [A-Z0-9, ]*\bS\d", line)
    ]
    assert len(exempt) > 10
    assert [line for line in exempt if not re.search(r"# noqa: [A-Z0-9, ]+ - \w+", line)] == []
