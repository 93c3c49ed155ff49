"""Withdrawal of a patient from a small project, held to a search that uses no code of Breathline."""

import gzip
import json
import shutil
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from filelock import FileLock
from huggingface_hub import constants
from rich.console import Console
from safetensors.numpy import save_file
from typer.testing import CliRunner

from cli import withdraw
from cli.main import app
from flows.dvc_repository import open_repo
from flows.withdrawal import erase, letter, plan, run
from lineage import dvc_storage, error_texts, events
from lineage.absence import fingerprint, stores, withdrawals
from lineage.absence.fingerprint import Fingerprint
from lineage.absence.git_search import GitObjects
from lineage.verify import verification
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.errors import BreathlineError
from tests import independent_search, toy
from tests.documents.json_keys import documented, keys
from tests.independent_search import Evidence
from tests.unit.lineage import small

PATIENT = "103"  # trains
QUESTION = f"patient:{PATIENT}"
WAV = "data/raw/icbhi/audio/103_1b1_Tc_sc_Meditron.wav"
EXPORT = "reports/audit/others.json"  # an export without the patient
HANDED_OUT = "handed_out/wavs.zip"  # a file of the user
STORES = ("experiments", "workspaces", "copies", "files", "versions", "log_entries", "links", "unread")
IN_GIT, LINK = "samples/breath.wav", "data/student/7/more"  # a recording on another branch; a link to another folder


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


def without_patient(root: Path) -> None:
    """Make every artifact again without the patient, with other weights and features, as a run of the stages does."""
    left = {name: value for name, value in small.RECORDINGS.items() if not name.startswith(PATIENT)}
    make_model, make_features = small._model, small._MAKERS_OF_CORPORA["fbank"]

    def model(root: Path, read: dict, folder: str, network: dict, seed: int) -> None:
        make_model(root, read, folder, network, seed)
        for path in (root / folder).glob("*.safetensors"):
            save_file({"w": np.full(4, seed + 100, np.float32)}, path)

    def features(root: Path, corpus: object, frontend: str) -> None:
        make_features(root, corpus, frontend)
        path = root / corpus.features(frontend) / "features.npy"
        np.save(path, np.load(path) + np.float16(1))

    shutil.rmtree(root / "data/raw")
    makers = mock.patch.dict(small._MAKERS_OF_CORPORA, {"fbank": features})
    with mock.patch.object(small, "RECORDINGS", left), mock.patch.object(small, "_model", model), makers:
        small.run(root)
    toy.call(root, "dvc", "commit", "--quiet", "--force")


def spread(root: Path, remote: Path) -> None:
    """Leave copies of a patient's data in every kind of store."""
    toy.call(root, "dvc", "remote", "add", "--default", "store", str(remote))
    toy.call(root, "dvc", "push", "--quiet", "--run-cache")
    toy.commit(root, "a remote")
    toy.call(root, "git", "tag", "student@v1.0.0")
    commit = toy.call(root, "git", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "an experiment").strip()
    toy.call(root, "git", "update-ref", "refs/exps/ab/cdef/first", commit)
    toy.call(root, "git", "checkout", "--quiet", "-b", "samples")
    (root / IN_GIT).parent.mkdir()
    shutil.copy(root / WAV, root / IN_GIT)
    toy.call(root, "git", "add", "--force", IN_GIT)  # .gitignore names sound files
    toy.commit(root, "a sample")
    toy.call(root, "git", "checkout", "--quiet", "-")
    toy.call(root, "git", "hash-object", "-w", str(Path(WAV).with_suffix(".txt")))
    for name in ("scratch", "elsewhere"):
        (root.parent / name).mkdir()
    (root / ".checkpoints").symlink_to(root.parent / "scratch")
    (root / LINK).parent.mkdir()
    (root / LINK).symlink_to(root.parent / "elsewhere")
    wav = (root / WAV).read_bytes()
    for name in (".checkpoints/ab/training.pt", ".dvc/tmp/models/x/copy", "data/student/7/old.wav"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(wav)
    (root / ".lineage/torn-1.txt").write_text('{"error": "103_1b1_Tc_sc_Meditron"')
    error_texts.keep(root, BreathlineError("1 recording of the table is missing: Anna-Meyer-left.wav."))
    workspace = root / ".leaderboard/mn"
    for name in ("data", ".lineage"):
        shutil.copytree(root / name, workspace / name)
    shutil.copy(root / "dvc.lock", workspace / "dvc.lock")
    (root / "reports/audit").mkdir(exist_ok=True)
    (root / "reports/audit/prov.json.gz").write_bytes(gzip.compress(b'{"id": "103_1b1_Tc_sc_Meditron_001"}'))
    (root / EXPORT).write_text('{"id": "104_1b1_Tc_sc_Meditron_001"}')
    (root / HANDED_OUT).parent.mkdir()
    with independent_search.zipfile.ZipFile(root / HANDED_OUT, "w", independent_search.zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", wav)


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


def test_a_failed_run_erases_nothing_and_the_command_continues(small_run, tmp_path, monkeypatch):
    root = shutil.copytree(small_run, tmp_path / "project")
    monkeypatch.chdir(root)
    monkeypatch.setattr(run, "_rerun", mock.Mock(side_effect=BreathlineError("The run failed.")))
    objects = sorted((root / ".dvc/cache").rglob("*"))
    assert CliRunner().invoke(app, ["withdraw", QUESTION, "--yes"]).exit_code == 1
    assert sorted((root / ".dvc/cache").rglob("*")) == objects
    assert withdrawals.find(root, PATIENT) is not None
    shutil.rmtree(root / "data/waveforms")
    (root / ".checkpoints").mkdir()
    (root / ".checkpoints/training.pt").write_text("weights of any training")
    planned = plan.make(root, QUESTION)
    assert planned.known.rows, "the hashes of the first attempt serve the second"
    terminal = Console(width=80, force_terminal=True, no_color=True, record=True, file=StringIO())
    withdraw.show(planned, terminal)
    shown = terminal.export_text()
    assert max(map(len, shown.splitlines())) <= 80
    assert "train_student@1" in shown
    assert ".checkpoints/ (0.0 MB, whole)" in shown


def test_a_place_outside_of_the_project_is_shown_by_its_way_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert withdraw._size(tmp_path.parent / "project/.lineage/torn-1.txt") == "../project/.lineage/torn-1.txt"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["patient:999"], "has a patient 999"),
        (["103"], "does not name a patient"),
        ([QUESTION, "--remote", "nowhere"], "no remote of DVC in a folder"),
        ([QUESTION], "no terminal can be asked"),
    ],
    ids=["unknown", "no patient", "no remote", "not asked"],
)
def test_a_withdrawal_is_refused_with_a_reason(small_run, monkeypatch, arguments, words):
    monkeypatch.chdir(small_run)
    done = CliRunner().invoke(app, ["withdraw", *arguments])
    assert done.exit_code == 1
    assert words in " ".join(done.output.split())
    assert not (small_run / withdrawals.FOLDER).exists()


@pytest.mark.parametrize("level", ["DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"])
def test_remotes_of_the_settings_of_user_and_machine_are_in_the_plan(tmp_path, monkeypatch, level):
    (tmp_path / "config").write_text("['remote \"shared\"']\n    url = s3://bucket/of/the/group\n")
    monkeypatch.setenv(level, str(tmp_path))
    assert dvc_storage.remotes_of(tmp_path) == {"shared": "s3://bucket/of/the/group"}


def test_a_download_in_the_cache_of_the_hub_is_named(tmp_path, monkeypatch):
    given = {"format": "icbhi", "source": "hub", "dataset": "lungs/icbhi", "revision": "a" * 40}
    (tmp_path / "params.yaml").write_text(json.dumps({"corpora": {"icbhi": given}, "external": {}}))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    corpus = CorpusFolders("training", "icbhi")
    assert list(plan._downloads(tmp_path, corpus)) == []
    folder = tmp_path / "hub/datasets--lungs--icbhi"
    folder.mkdir(parents=True)
    assert list(plan._downloads(tmp_path, corpus)) == [folder]


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


@pytest.mark.parametrize(
    ("erased", "left", "remotes", "unfinished"),
    [
        (False, {"store": 3}, {"store": "3 objects"}, []),
        (False, {"store": 0}, {}, []),
        (False, {}, {"store": "not searched"}, []),
        (False, None, {"store": "not in a folder of this machine, not searched"}, []),
        (True, {"store": 3}, {}, ["left: remote store: 3 objects"]),
    ],
)
def test_a_remote_with_objects_is_no_proof_of_absence(erased, left, remotes, unfinished):
    found = stores.Stores(cached=mock.Mock(objects=(), entries=()), **dict.fromkeys(STORES, ()), in_git=GitObjects())
    remote = plan.Remote(name="store", url="x", cache=None if left is None else mock.Mock(), erased=erased)
    planned = mock.Mock(remotes=[remote], downloads=[], stores=found)
    absence = mock.Mock(traces=(), not_there=(), proven=True)
    searched = {"absence": absence, "stores": found, "left_in_remotes": left or {}}
    outcome = run.Outcome(plan=planned, at="", erased=mock.Mock(), **searched, failed=())
    assert (outcome.remotes, outcome.unfinished) == (remotes, unfinished)
    assert outcome.proven == (not remotes and not unfinished)


def test_a_running_reproduction_is_not_erased(tmp_path):
    folder = tmp_path / stores.REPRODUCTIONS
    folder.mkdir(parents=True)
    with FileLock(folder / "student.lock"), pytest.raises(BreathlineError, match="being reproduced"):
        run.carry_out(tmp_path, mock.Mock())
    assert list(tmp_path.iterdir()) == [tmp_path / ".dvc"], "neither hashes nor params.yaml are written"


def test_what_cannot_be_removed_is_noted_and_all_else_is_removed(tmp_path):
    cache, failed = dvc_storage.Cache(tmp_path), []
    (cache.object("ab1") / "a folder where a file should be").mkdir(parents=True)
    cache.object("cd2").parent.mkdir(parents=True)
    cache.object("cd2").write_text("an object")
    erase._cached(cache, mock.Mock(objects=["ab1", "cd2"], entries=[]), failed)
    assert not cache.object("cd2").exists()
    assert [str(cache.object("ab1")) in one for one in failed] == [True]


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


def test_an_address_of_git_that_cannot_be_read_does_not_stop_the_letter():
    assert letter._address("https://[anna:secret@example.org") == "an address that cannot be read"
    assert letter._address("https://anna:secret@example.org/a") == "https://example.org/a"


def test_missing_waveforms_are_no_basis_for_a_withdrawal(small_run, tmp_path):
    root = shutil.copytree(small_run, tmp_path / "project")
    shutil.rmtree(root / "data/waveforms")
    with pytest.raises(BreathlineError, match="cannot be read") as caught:
        plan.make(root, QUESTION)
    assert "dvc checkout" in caught.value.hint
