"""Withdrawal of a patient from a small project, compared with a search that uses no code of Breathline."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from flows.dvc_repository import open_repo
from flows.withdrawal import plan, run
from lineage import dvc_storage, error_texts, events
from lineage.absence import withdrawals
from lineage.verify import verification
from tasks import artifacts
from tests import independent_search, toy
from tests.documents.json_keys import documented, keys
from tests.independent_search import Evidence
from tests.unit.flows.withdrawal.patient_copies import (
    EXPORT,
    HANDED_OUT,
    IN_GIT,
    LINK,
    PATIENT,
    QUESTION,
    WAV,
    spread,
    without_patient,
)


@dataclass(frozen=True)
class Withdrawn:
    """A project after the withdrawal, with what it held before."""

    root: Path
    remote: Path
    sought: Evidence
    before: dict[str, str]  # files with data of the patient, by the independent search
    from_patient: set[str]
    found: dict  # output of the command
    database: Path  # DVC's tables of hashes


@pytest.fixture(scope="module")
def withdrawn(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("withdrawn")
    root, remote = shutil.copytree(small_run, folder / "project"), folder / "store"
    spread(root, remote)
    sought = independent_search.evidence(root, PATIENT)
    before = independent_search.in_folder(folder, sought)
    with open_repo(root) as repo:
        database = Path(repo.site_cache_dir)
    before |= {f"database/{name}": what for name, what in independent_search.in_folder(database, sought).items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(run, "_rerun", without_patient)
        from_patient = plan.make(root, QUESTION).stores.cached.from_patient
        done = CliRunner().invoke(app, ["withdraw", QUESTION, "--remote", "store", "--yes", "--json"])
    assert done.exit_code == 1, done.output
    return Withdrawn(root, remote, sought, before, set(from_patient), json.loads(done.stdout), database)


def test_an_independent_search_finds_the_patient_before_and_nothing_afterwards(withdrawn):
    outside = ("scratch", "store", "database")
    places = {name.split("/")[0 if name.startswith(outside) else 1] for name in withdrawn.before}
    assert places >= {"scratch", "store", "database", ".dvc", ".lineage", ".leaderboard", "data", "reports"}
    folder = withdrawn.root.parent
    left = independent_search.in_folder(folder, withdrawn.sought)
    letter = f"project/{withdrawn.found['letter']}"
    assert set(left) - {letter} == {f"project/{HANDED_OUT}"}
    assert HANDED_OUT in (folder / letter).read_text(), "what is not erased is in the letter"
    assert independent_search.in_folder(withdrawn.database, withdrawn.sought) == {}
    assert not list(withdrawn.root.rglob(f"{error_texts.FOLDER}*")), "a file of the patient may have any name"


def test_what_only_a_person_can_erase_is_listed_and_the_status_is_not_0(withdrawn):
    assert (withdrawn.found["proven"], withdrawn.found["unfinished"]) == (False, [])
    listed = "\n".join(withdrawn.found["for_people"])
    for words in (
        f"{HANDED_OUT}: all bytes of 103_1b1_Tc_sc_Meditron.wav",
        f"Git: {IN_GIT}: all bytes of 103_1b1_Tc_sc_Meditron.wav",
        "Git, named by no reference: blob ",
        f"{LINK}: a link to {withdrawn.root.parent / 'elsewhere'}",
    ):
        assert words in listed, words
    assert len(withdrawn.found["for_people"]) == 4
    assert len(independent_search.in_git(withdrawn.root, withdrawn.sought)) == 2


def test_after_the_steps_of_the_letter_the_same_command_finds_nothing(withdrawn, tmp_path, monkeypatch):
    root = shutil.copytree(withdrawn.root, tmp_path / "project", symlinks=True)
    (root / HANDED_OUT).unlink()
    toy.call(root, "git", "branch", "-D", "samples")
    toy.call(root, "git", "reflog", "expire", "--expire-unreachable=now", "--all")
    toy.call(root, "git", "gc", "--quiet", "--prune=now")
    monkeypatch.chdir(root)
    monkeypatch.setattr(run, "_rerun", lambda _: None)
    done = CliRunner().invoke(app, ["withdraw", QUESTION, "--remote", "store", "--yes", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["proven"], found["for_people"], found["unfinished"]) == (True, [], [])
    assert events.read(root)[-1]["proven"] is True
    assert "**Nothing of the patient is left" in (root / found["letter"]).read_text()
    assert independent_search.in_git(root, withdrawn.sought) == {}


def test_damaged_files_are_in_the_letter_which_is_written_in_any_case(withdrawn, tmp_path, monkeypatch):
    root = shutil.copytree(withdrawn.root, tmp_path / "project", symlinks=True)
    table = root / "data/cycles/cycles.parquet"
    table.write_bytes(table.read_bytes()[:-9] + b"no footer")
    damaged = json.dumps({"inputs": [{"sha256": 1}], "outputs": "x" * 300, "params": 3, "stage": "pool"})
    (root / ".dvc/cache/files/md5/ab").mkdir(exist_ok=True)
    (root / ".dvc/cache/files/md5/ab" / ("c" * 30)).write_text(damaged)
    with (root / events.LOG).open("a") as file:
        file.write("no entry\n")
    monkeypatch.chdir(root)
    monkeypatch.setattr(run, "_rerun", lambda _: None)
    done = CliRunner().invoke(app, ["withdraw", QUESTION, "--remote", "store", "--yes"])
    assert done.exit_code == 1, done.output
    letter = next((root / artifacts.WITHDRAWALS).glob("*.md")).read_text()
    assert "**Not proven.**" in letter
    assert "Not proven" in done.output
    assert "Next: `git add --update` and" in done.output, "not the copies that the letter lists"
    for words in ("ed: data/cycles/cycles.parquet", f"object ab{'c' * 30} of DVC's cache: a damaged record"):
        assert words in done.output, words
        assert words in letter, words
    assert "failed: the entry of the event log: The event log cannot be read" in done.output
    assert "The event log has an entry" not in letter


def test_what_was_made_from_the_patient_is_erased_and_all_else_is_kept(withdrawn, small_run):
    cache = dvc_storage.cache_of(withdrawn.root)
    lock = dvc_storage.read_lock(small_run / "dvc.lock")
    outs = {path: md5 for _, path, md5 in dvc_storage.entries(lock, "outs")}
    for path in ("data/student/1", "data/teachers/t3", "data/soft_labels/soft_labels.parquet", "data/fbank/ast/icbhi"):
        assert outs[path] in withdrawn.from_patient
        assert not cache.object(outs[path]).exists()
        assert not (withdrawn.remote / "files/md5" / outs[path][:2] / outs[path][2:]).exists()
    assert cache.object(outs["data/weights/scratch"]).exists()
    other = independent_search.hashlib.md5((small_run / WAV.replace("103", "104")).read_bytes()).hexdigest()
    assert cache.object(other).exists(), "recordings of other patients stay"
    current = dvc_storage.read_lock(withdrawn.root / "dvc.lock")
    now = {path: md5 for _, path, md5 in dvc_storage.entries(current, "outs") if path.startswith("data/")}
    assert not [path for path, md5 in now.items() if not cache.object(md5).exists()]
    entries = [path.read_text() for path in (cache.folder / "runs").rglob("*") if path.is_file()]
    assert entries
    gone = {md5 for md5 in withdrawn.from_patient if not cache.object(md5).exists()}
    gone -= {md5 for _, _, md5 in dvc_storage.entries(current, "outs")}  # figures that stayed equal are not cached
    assert not [text for text in entries if any(md5 in text for md5 in gone)]
    assert withdrawn.found["erased"]["remotes"]["store"] >= withdrawn.found["erased"]["objects"] > 40


def test_workspaces_keep_their_event_log_and_users_their_files(withdrawn):
    assert sorted(path.name for path in (withdrawn.root / ".leaderboard/mn").iterdir()) == [".lineage"]
    assert (withdrawn.root / HANDED_OUT).exists()
    assert [path.name for path in (withdrawn.root / EXPORT).parent.iterdir()] == ["others.json"]
    refs = toy.call(withdrawn.root, "git", "for-each-ref", "--format=%(refname)").split()
    assert [ref for ref in refs if ref.startswith("refs/exps")] == []
    assert "refs/tags/student@v1.0.0" in refs


def test_the_log_names_the_withdrawal_and_verification_has_no_error(withdrawn):
    entry = events.read(withdrawn.root)[-1]
    assert (entry["event"], entry["proven"]) == ("withdrawn", False), "a person has to act"
    assert entry["patient"] == withdrawals.id_of(withdrawn.root, "icbhi", PATIENT)
    report = verification.verify(withdrawn.root, absent=[QUESTION])
    assert not report.errors
    assert "patient-absent" in {finding.kind for finding in report.notes}, "the kept hashes still prove it"


def test_the_letter_names_what_people_have_to_do(withdrawn):
    letter = (withdrawn.root / withdrawn.found["letter"]).read_text()
    for words in (
        "**Breathline erased what it can erase. 4 places below need a person**",
        f"`{IN_GIT}`: all bytes of",
        "git reflog expire",
        "commits of 1 erased experiment",
        "the archive `small.zip`",
        "tag `student@v1.0.0`",
        "1 commit with a `dvc.lock`",
        "`tasks/corpora/icbhi/known_recordings.tsv`",
        "`corpora.icbhi.exclude_patients`",
    ):
        assert words in letter, words


def test_the_same_command_again_changes_nothing(withdrawn, monkeypatch):
    monkeypatch.chdir(withdrawn.root)
    again = CliRunner().invoke(app, ["withdraw", QUESTION, "--dry", "--json"])
    assert again.exit_code == 0, again.output
    found = json.loads(again.stdout)
    assert keys(found) == documented("withdraw")
    assert (found["changes"], found["reruns"], found["objects"], found["run_cache"]) == ([], [], [], 0)


def test_data_that_come_back_are_found_by_the_kept_hashes(withdrawn, small_run, monkeypatch):
    monkeypatch.chdir(withdrawn.root)
    copy = withdrawn.root / "data/raw/icbhi/audio/107_1b1_Tc_sc_Meditron.wav"
    shutil.copy(small_run / WAV, copy)
    try:
        done = CliRunner().invoke(app, ["audit", "absent", QUESTION])
    finally:
        copy.unlink()
    assert (done.exit_code, "all bytes of a recording or annotation of the patient" in done.stdout) == (1, True)
