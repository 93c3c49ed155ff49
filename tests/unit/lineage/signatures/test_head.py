"""Signed head of the event log: entries that were cut off behind a new head."""

import base64
import json

import pytest

from lineage import events, log_signature, log_writing
from lineage.log_head import START
from tests.pipeline import tampering as do
from tests.unit.lineage.signatures.signing import found, pair

ENTRY = ("number", "hash", "key", "signature")
HEADS = {
    "unsigned": lambda rows, _: {key: rows[4][key] for key in ENTRY[:2]},
    "unsigned, of an entry before the first signed one": lambda rows, _: {key: rows[1][key] for key in ENTRY[:2]},
    "unsigned, of no entry": lambda *_: {"number": 0, "hash": START},
    "with the signature of the entry": lambda rows, _: {key: rows[4][key] for key in ENTRY},
    "with the signature of the whole log": lambda rows, head: head | {key: rows[4][key] for key in ENTRY[:2]},
}


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
