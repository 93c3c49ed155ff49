"""Hashes and pseudonym that a project keeps of a patient who was withdrawn."""

import json

import pytest

from lineage.absence import fingerprint, withdrawals
from lineage.absence.fingerprint import Fingerprint
from tasks.artifacts import CorpusFolders
from tasks.runtime.errors import BreathlineError

PATIENT = "103"


def test_a_continued_withdrawal_keeps_the_hashes_of_the_first_attempt():
    def prints(files, unread=()):
        corpus = CorpusFolders("training", "icbhi")
        return Fingerprint(taken_of="x", corpus=corpus, files=files, rows={}, learned=files, unread=unread)

    both = fingerprint.union(prints({"a": "first"}), prints({"b": "second"}, ("features",)))
    assert (both.files, both.learned, both.unread) == ({"a": "first", "b": "second"},) * 2 + (("features",),)
    lost = fingerprint.union(prints({"a": "first"}), prints({}, ("features",)))
    assert (lost.files, lost.unread) == ({"a": "first"}, ()), "the first attempt has read what is lost now"


def test_the_pseudonym_follows_from_no_number_without_the_key_of_the_project(tmp_path):
    first, second = (withdrawals.id_of(tmp_path / name, "icbhi", PATIENT) for name in "ab")
    assert first == withdrawals.id_of(tmp_path / "a", "icbhi", PATIENT)
    assert first != second


@pytest.mark.parametrize("damage", [{"corpus": {}}, {"patient": None}, {"learned": 3}, {"files": None}], ids=str)
def test_damaged_hashes_of_an_earlier_withdrawal_are_reported(tmp_path, damage):
    corpus = CorpusFolders("training", "icbhi")
    known = Fingerprint(taken_of="x", corpus=corpus, files={}, rows={}, learned={}, unread=())
    withdrawals.save(tmp_path, PATIENT, withdrawals.Withdrawal(known, frozenset()))
    (path,) = (tmp_path / withdrawals.FOLDER).glob("*.json")
    content = json.loads(path.read_text()) | damage
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    with pytest.raises(BreathlineError, match="damaged") as caught:
        withdrawals.find(tmp_path, PATIENT)
    assert caught.value.where == path
