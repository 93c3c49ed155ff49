"""Addresses of the source code, and the rules of slsa-verifier for a signed statement that has them."""

import base64
import json
import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineage import project
from lineage.exports import in_toto
from lineage.exports.request import Request
from lineage.exports.source_code import Repository
from tests import toy
from tests.unit.lineage.exports import slsa
from tests.unit.lineage.exports.test_dsse import pair

GITHUB = "https://github.com/anna/lungs"


@pytest.fixture
def repository(tmp_path):
    """Return a function that makes a repository with a remote."""

    def make(address):
        toy.call(tmp_path, "git", "init", "--quiet")
        toy.call(tmp_path, "git", "remote", "add", "upstream", address)
        return Repository(tmp_path)

    return make


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (f"{GITHUB}.git", GITHUB),
        ("https://anna:secret@github.com/anna/lungs.git/", GITHUB),
        ("https://token@example.org:8443/git/lungs", "https://example.org:8443/git/lungs"),
        ("git@github.com:anna/lungs.git", GITHUB),
        ("ssh://git@github.com/anna/lungs.git", GITHUB),
        ("git@example.org:anna/lungs.git", "ssh://git@example.org/anna/lungs.git"),
        ("ssh://git:secret@example.org:22/lungs.git", "ssh://git@example.org:22/lungs.git"),
        ("/srv/git/lungs.git", None),
        ("../lungs", None),
        ("file:///srv/git/lungs.git", None),
    ],
)
def test_the_address_of_a_remote_has_no_password(repository, address, url):
    assert repository(address).url == url


def test_a_file_has_an_address_at_its_commit(repository):
    found = repository("git@example.org:lungs.git")
    assert found.file_url("c0", "tasks/a b.py") == "git+ssh://git@example.org/lungs.git@c0#tasks/a%20b.py"
    toy.call(found.root, "git", "remote", "set-url", "upstream", GITHUB)
    assert Repository(found.root).file_url("c0", "tasks/pool.py") == f"{GITHUB}/blob/c0/tasks/pool.py"
    toy.call(found.root, "git", "remote", "remove", "upstream")
    assert Repository(found.root).file_url("c0", "tasks/pool.py") is None
    assert Repository(found.root).uri("c0") is None


@pytest.fixture(scope="module")
def signed(small_project, tmp_path_factory):
    """Return a project with a GitHub remote and a signed statement, and what a reader expects of it."""
    copied = shutil.copytree(small_project, tmp_path_factory.mktemp("signed") / "p")
    toy.call(copied, "git", "remote", "add", "origin", f"{GITHUB}.git")
    commit = toy.call(copied, "git", "rev-parse", "HEAD").strip()
    toy.call(copied, "git", "update-ref", "refs/remotes/origin/trunk", commit)
    private, public = pair(copied / "keys", Ed25519PrivateKey.generate())
    path = copied / "intoto.dsse.json"
    path.write_text(in_toto.files(Request(project.load(copied), copied, private))[path.name])
    expected = {"source": f"git+{GITHUB}", "commit": commit, "builder": "urn:breathline:builder:small"}
    return path, public, copied, expected


def test_models_plots_and_report_pass_the_rules_of_slsa_verifier(signed):
    envelope, key, root, expected = signed
    report, plots, student = root / "reports/report.html", root / "reports/plots", root / "data/student/1"
    for path in (report, *plots.iterdir(), student / "val.safetensors"):
        slsa.verify(envelope, key, path, **expected, branch="trunk")
    toy.call(root, "git", "tag", "student@v1.0.0")
    assert Repository(root).uri(expected["commit"]) == f"git+{GITHUB}@refs/heads/trunk"
    toy.call(root, "git", "update-ref", "-d", "refs/remotes/origin/trunk")
    assert Repository(root).uri(expected["commit"]) == f"git+{GITHUB}@refs/tags/student%40v1.0.0"
    toy.call(root, "git", "tag", "--delete", "student@v1.0.0")
    toy.call(root, "git", "update-ref", "refs/remotes/origin/trunk", expected["commit"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": "git+https://github.com/anna/hearts"}, "source is"),
        ({"commit": "0" * 40}, "another commit"),
        ({"builder": "urn:breathline:builder:other"}, "builder is"),
        ({"branch": "main"}, "branch is refs/heads/trunk"),
        ({"tag": "v1"}, "tag is refs/heads/trunk"),
    ],
)
def test_another_expectation_is_refused(signed, change, reason):
    envelope, key, root, expected = signed
    with pytest.raises(slsa.RefusedError, match=reason):
        slsa.verify(envelope, key, root / "reports/report.html", **(expected | change))


def test_a_changed_file_statement_or_key_is_refused(signed, tmp_path):
    envelope, key, root, expected = signed
    (tmp_path / "report.html").write_text("<p>another report</p>")
    with pytest.raises(slsa.RefusedError, match="expected hash not found"):
        slsa.verify(envelope, key, tmp_path / "report.html", **expected)
    _, other = pair(tmp_path / "other", Ed25519PrivateKey.generate())
    scores = root / "reports/scores.json"
    with pytest.raises(slsa.RefusedError, match="signature"):
        slsa.verify(envelope, other, scores, **expected)
    found = json.loads(envelope.read_text())
    payload = base64.b64decode(found["payload"]).replace(b"builder:small", b"builder:other")
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(found | {"payload": base64.b64encode(payload).decode()}))
    with pytest.raises(slsa.RefusedError, match="signature"):
        slsa.verify(forged, key, scores, **expected)
