"""Signed head of the event log: entries that were cut off behind a new head."""

import base64
import errno
import json
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineage import events, log_signature, log_writing
from lineage.log_head import START
from lineage.verify import log_signatures
from tasks.runtime.disk_errors import DiskError
from tests.pipeline import tampering as do
from tests.unit.lineage.signatures.signing import found, pair

ENTRY = ("number", "hash", "key", "signature")
HEADS = {
    "unsigned": lambda rows, _: entry(rows, 5),
    "unsigned, of an entry before the first signed one": lambda rows, _: entry(rows, 2),
    "unsigned, of no entry": lambda *_: {"number": 0, "hash": START},
    "with the signature of the entry": lambda rows, _: {key: rows[4][key] for key in ENTRY},
    "with the signature of the whole log": lambda rows, head: head | entry(rows, 5),
    "with a key that is none": lambda rows, _: entry(rows, 5) | {"key": "0", "signature": "x"},
    "with a key that is a list": lambda rows, _: entry(rows, 5) | {"key": [], "signature": "x"},
    "signed by a stranger": lambda rows, _: by_a_stranger(rows, 5),
    "signed by a stranger, of an earlier entry": lambda rows, _: by_a_stranger(rows, 3),
    "signed by a stranger, of the entry before the first signed one": lambda rows, _: by_a_stranger(rows, 2),
}


def entry(rows, number):
    return {key: rows[number - 1][key] for key in ENTRY[:2]}


def by_a_stranger(rows, number):
    signer, given = log_signature.Signer(Ed25519PrivateKey.generate()), entry(rows, number)
    return given | {"key": signer.id, "signature": signer.sign_head(number, given["hash"])}


@pytest.mark.parametrize("case", HEADS)
def test_a_new_head_does_not_hide_entries_that_were_cut_off(root, keys, case):
    known, head = log_signature.read_keys([keys[1]]), json.loads((root / events.HEAD).read_text())
    # The signature of the head can be checked without Breathline as well.
    signed = f"breathline event log head\n6 {head['hash']}".encode()
    known[head["key"]].verify(base64.b64decode(head["signature"]), signed)
    do.log(root, lambda rows: rows[:5])
    new = HEADS[case](events.read(root), head)
    (root / events.HEAD).write_text(json.dumps(new))
    assert (events.check(root), found(root, keys[1])) == ([], []), "chain and entries are those of a shorter log"
    assert "cut off from its end" in log_signature.head_fault(new, known).describe(5)
    # The next entry makes a new head, and says that the one before was not signed.
    events.append(root, {"event": "start", "stage": "next"})
    (told,) = events.check(root)
    assert (told.number, "its head is not" in told.what) == (6, True)


def test_a_head_of_an_earlier_entry_is_signed_as_well(root, keys, tmp_path, monkeypatch):
    """A crash between line and head, or a power failure, leaves it; so does one before the first signed entry."""
    known, head = log_signature.read_keys([keys[1]]), (root / events.HEAD).read_text()
    events.append(root, {"event": "start", "stage": "s6"})
    (root / events.HEAD).write_text(head)
    events.append(root, {"event": "start", "stage": "s7"})
    assert (events.check(root), log_signature.head_fault(json.loads(head), known)) == ([], None)
    with monkeypatch.context() as patch:
        patch.delenv(log_signature.KEY)
        events.append(other := tmp_path / "other", {"event": "start", "stage": "unsigned"})
    heads = []
    monkeypatch.setattr(log_writing, "_write", lambda *_, **__: heads.append((other / events.HEAD).read_text()))
    events.append(other, {"event": "start", "stage": "signed"})
    assert log_signature.head_fault(json.loads(heads[0]), known) is None
    assert json.loads(heads[0])["number"] == 1


def test_a_head_that_another_person_has_signed_is_left_to_the_verification(root, keys, tmp_path, monkeypatch):
    monkeypatch.setenv(log_signature.KEY, str(pair(tmp_path / "other")[0]))
    events.append(root, {"event": "start", "stage": "of another"})
    assert events.check(root) == []
    head = json.loads((root / events.HEAD).read_text())
    assert log_signature.head_fault(head, log_signature.read_keys([keys[1]])) is not None
    assert log_signature.head_fault(head, log_signature.read_keys([tmp_path / "other/key.pub"])) is None


CUTS = {
    "the end of the log": lambda root: do.log(root, lambda rows: rows[:2]),
    "the whole log": lambda root: (root / events.LOG).unlink(),
}


@pytest.mark.parametrize("cut", CUTS)
def test_the_head_that_shows_a_cut_stays_until_an_entry_tells_of_the_cut(keys, tmp_path, monkeypatch, cut):
    root = tmp_path / "project"
    with monkeypatch.context() as patch:
        patch.delenv(log_signature.KEY)
        for stage in "abcd":
            events.append(root, {"event": "start", "stage": stage})
    CUTS[cut](root)
    with monkeypatch.context() as patch:
        patch.setattr(log_writing, "_write", mock.Mock(side_effect=OSError(errno.ENOSPC, "full")))
        with pytest.raises(DiskError):
            events.append(root, {"event": "start", "stage": "the first signed one"})
    events.append(root, {"event": "start", "stage": "next"})
    assert ["its end was cut off" in fault.what for fault in events.check(root)] == [True]


@pytest.mark.parametrize("head", ['{"key": []}', '{"hash": "\\ud800"}'])
def test_a_head_of_odd_values_is_an_unsigned_one(root, keys, head):
    (root / events.HEAD).write_text(head)
    audited = mock.Mock(root=root, events=events.read(root), keys=log_signature.read_keys([keys[1]]))
    assert ["cut off from its end" in one.what for one in log_signatures.check(audited)] == [True]
