"""Signed entries of the event log: stripped, forged and foreign signatures, and the rules for keys."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from lineage import adoption, events, log_order, log_signature, record, workspace_logs
from lineage.log_lines import hash_of, line_of
from lineage.verify import verification
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tests.pipeline import tampering as do
from tests.unit.lineage.signatures.signing import found, pair


def test_signed_entries_are_those_of_the_key(root, keys):
    entries = events.read(root)
    assert [("key" in entry, "signature" in entry) for entry in entries] == [(False, False)] * 2 + [(True, True)] * 4
    assert (events.check(root), log_signature.removed(entries), found(root, keys[1])) == ([], [], [])
    # The signature can be checked without Breathline: context and hash of the entry, by Ed25519.
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signed = base64.b64decode(log_signature.Signer(key).sign("0" * 64))
    key.public_key().verify(signed, b"breathline event log\n" + b"0" * 64)


def without(row, key):
    return line_of({name: value for name, value in json.loads(row).items() if name != key}) + "\n"


CHANGES = {
    "a signature removed": (
        lambda root: do.log(root, lambda rows: [*rows[:3], without(rows[3], "signature"), *rows[4:]]),
        "entry 4",
        "not valid",
    ),
    "an entry changed and hashed anew": (
        lambda root: do.rewrite_log(root, lambda entry: entry | ({"stage": "x"} if entry["number"] == 3 else {})),
        "entries 3 to 6",
        "not valid",
    ),
    "an unsigned entry before them changed": (
        lambda root: do.rewrite_log(root, lambda entry: entry | ({"stage": "x"} if entry["number"] == 1 else {})),
        "entries 3 to 6",
        "not valid",
    ),
    "a list in place of a key": (
        lambda root: do.rewrite_log(root, lambda entry: entry | ({"key": []} if entry["number"] == 6 else {})),
        "entry 6",
        "with another key",
    ),
    "all signatures removed": (
        lambda root: do.rewrite_log(root, lambda entry: {key: entry[key] for key in ("event", "stage", "hash")}),
        "entries 1 to 6",
        "no entry of the log is signed",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes_are_found_although_the_chain_is_whole(root, keys, case):
    change, where, what = CHANGES[case]
    change(root)
    assert events.check(root) == []
    assert [(one, what in text) for one, text in found(root, keys[1])] == [(where, True)]


def test_a_removed_signature_is_found_without_a_key(root):
    do.log(root, lambda rows: [*rows[:3], without(rows[3], "signature"), *rows[4:]])
    (fault,) = log_signature.removed(events.read(root))
    assert fault.where == "entry 4"


def test_later_entries_need_a_signature_by_a_known_key(root, keys, tmp_path, monkeypatch):
    monkeypatch.delenv(log_signature.KEY)
    events.append(root, {"event": "start", "stage": "unsigned"})
    private, public = pair(tmp_path / "other")
    monkeypatch.setenv(log_signature.KEY, str(private))
    events.append(root, {"event": "start", "stage": "by another"})
    id_ = events.read(root)[-1]["key"]
    unsigned = ("entry 7", "it is not signed, unlike an entry before it")
    assert found(root, keys[1]) == [unsigned, ("entry 8", f"it is signed with another key, {id_}")]
    assert found(root, keys[1], public) == [unsigned], "both persons may sign, or the key was replaced by the other"
    # The id of the known key does not make a signature of the other key valid.
    rows = [json.loads(row) for row in (root / events.LOG).read_text().splitlines()]
    forged = rows[7] | {"key": rows[5]["key"]}
    digest = hash_of(forged)
    forged |= {"hash": digest, "signature": log_signature.signer(root).sign(digest)}
    do.log(root, lambda lines: [*lines[:7], line_of(forged) + "\n"])
    assert "not valid" in dict(found(root, keys[1], public))["entry 8"]


def test_adopted_entries_are_signed_by_the_adopter_and_keep_their_own_signature(root, keys, tmp_path, monkeypatch):
    worker, path = tmp_path / "worker", root / record.path_of("pool")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    private, public = pair(tmp_path / "other")
    monkeypatch.setenv(log_signature.KEY, str(private))
    start = events.append(worker, {"event": "start", "stage": "pool"})
    done = {"event": "end", "stage": "pool", "start": start, "status": "done", "record": sha256(path)}
    events.append(worker, done)
    monkeypatch.setenv(log_signature.KEY, str(keys[0]))
    adoption.adopt(root, "pool", (worker / events.LOG).read_text())
    entries = events.read(root)
    assert {entry["key"] for entry in entries[2:]} == {log_signature.signer(root).id}
    assert entries[-1]["adopted"]["signature"] == events.read(worker)[-1]["signature"]
    assert (log_order.contradictions(entries, complete=True), found(root, keys[1], public)) == ([], [])
    forged = entries[-1]["adopted"] | {"signature": entries[-1]["signature"]}
    assert (
        "that it was adopted from"
        in log_signature.faults(
            [*entries[:-1], entries[-1] | {"adopted": forged}], log_signature.read_keys([keys[1], public])
        )[0].what
    )


def test_only_signed_logs_of_workspaces_name_runs_where_keys_are_given(root, keys, monkeypatch):
    workspace = root / ".leaderboard/mn_sam"
    known = log_signature.read_keys([keys[1]])
    for signed in (False, True):
        shutil.rmtree(workspace, ignore_errors=True)
        monkeypatch.setenv(log_signature.KEY, str(keys[0])) if signed else monkeypatch.delenv(log_signature.KEY)
        start = events.append(workspace, {"event": "start", "stage": "pool"})
        end = {"event": "end", "stage": "pool", "start": start, "status": "done", "record": "0" * 64}
        events.append(workspace, end)
        assert len(workspace_logs.runs(root)) == 1
        assert len(workspace_logs.runs(root, known)) == signed


def test_an_unsigned_entry_that_the_owner_of_the_key_adopted_is_a_fault(root, keys, tmp_path, monkeypatch):
    worker, path = tmp_path / "worker", root / record.path_of("pool")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    monkeypatch.delenv(log_signature.KEY)
    start = events.append(worker, {"event": "start", "stage": "pool"})
    done = {"event": "end", "stage": "pool", "start": start, "status": "done", "record": sha256(path)}
    events.append(worker, done)
    monkeypatch.setenv(log_signature.KEY, str(keys[0]))
    before = len(events.read(root))
    adoption.adopt(root, "pool", (worker / events.LOG).read_text())
    ((where, what),) = found(root, keys[1])
    assert where == f"entries {before + 1} to {before + 2}"
    assert "in the log that it was adopted from, it has no valid signature" in what


def test_a_key_in_the_project_or_open_to_others_is_refused(root, keys, tmp_path, monkeypatch):
    refused = {"in the project": shutil.copy(keys[0], root / "key.pem"), "cannot be read": str(tmp_path / "none.pem")}
    open_key = pair(tmp_path / "open")[0]
    open_key.chmod(0o640)
    refused["Other users may read"] = str(open_key)
    refused["of the type X25519"] = str(pair(tmp_path / "curve", X25519PrivateKey.generate())[0])
    for what, path in refused.items():
        monkeypatch.setenv(log_signature.KEY, str(path))
        with pytest.raises(BreathlineError, match=what):
            events.append(root, {"event": "start"})
    assert len(events.read(root)) == 6


def test_a_key_as_the_documents_make_it_is_accepted(tmp_path, monkeypatch):
    for command in (
        "openssl genpkey -algorithm ed25519 -out key.pem",
        "chmod 600 key.pem",
        "openssl pkey -in key.pem -pubout -out key.pub",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True)
    monkeypatch.setenv(log_signature.KEY, str(tmp_path / "key.pem"))
    events.append(tmp_path / "project", {"event": "start", "stage": "pool"})
    assert found(tmp_path / "project", tmp_path / "key.pub") == []


@pytest.mark.slow
def test_verification_asks_for_signatures_if_it_gets_a_key(small_project, keys, tmp_path, monkeypatch):
    project = shutil.copytree(small_project, tmp_path / "small")
    for key, kinds in ((None, []), (keys[1], ["log-signature"])):
        given = [] if key is None else [Path(key)]
        report = verification.verify(project, log_keys=given)
        assert [one.kind for one in report.errors if one.kind.startswith("log-")] == kinds
    do.rewrite_log(project, lambda entry: entry)
    start = events.append(project, {"event": "start", "stage": "report"})
    end = {"event": "end", "stage": "report", "start": start, "status": "done"}
    events.append(project, end | {"record": sha256(project / record.path_of("report"))})
    report = verification.verify(project, log_keys=[keys[1]])
    (told,) = [one for one in report.findings if one.kind == "log-signature"]
    assert (told.severity, told.what.split()[1]) == ("note", "2")
    last = events.read(project)[-1]
    (project / events.HEAD).write_text(json.dumps({"number": last["number"], "hash": last["hash"]}))
    report = verification.verify(project, log_keys=[keys[1]])
    (cut,) = [one for one in report.errors if one.kind == "log-signature"]
    assert "cut off from its end" in cut.what
