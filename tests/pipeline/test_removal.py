"""Removal of a patient: `trace` names the stages to run again, exactly these run, and no trace is left.

Withdrawal is complete: an independent search finds nothing in any store afterwards.
"""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from flows.dvc_repository import open_repo
from tests import independent_search, toy
from tests.pipeline import runs
from tests.pipeline.commands import breathline, succeed

EXTERNAL = {"download_external", "extract_external", "validate_external", "fbank_external", "external"}
UNTOUCHED = {"weights", *EXTERNAL}

# It runs the whole graph again. In `make test`, tests/unit/lineage tests the trace and the search for remnants.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def done(folder: Path) -> list[str]:
    """Return the stages that ended well, by the event log."""
    events = map(json.loads, (folder / ".lineage/events.jsonl").read_text().splitlines())
    return [event["stage"] for event in events if event.get("status") == "done"]


@pytest.mark.parametrize("command", ["dvc repro", "breathline run"])
def test_a_patient_is_removed(project, server, command):
    folder, first = project, done(project)
    recordings = pl.read_parquet(folder / "data/cycles/recordings.parquet")
    patient = recordings.filter(pl.col("split") == "train")["patient_id"][0]
    theirs = recordings.filter(pl.col("patient_id") == patient)

    def audit(*arguments: str, status: int = 0) -> dict:
        return json.loads(toy.call(folder, "breathline", "audit", *arguments, "--json", status=status))

    still = toy.call(folder, "breathline", "audit", "absent", f"patient:{patient}", status=1)
    assert f"Patient {patient} is still in" in still
    refused = audit("verify", "--absent", f"patient:{patient}", status=1)["findings"]
    assert {found["kind"] for found in refused if found["severity"] == "error"} == {"patient-left"}

    answer = audit("trace", f"patient:{patient}")
    concerned = {rerun["stage"] for rerun in answer["reruns"]}
    trained = {rerun["stage"] for rerun in answer["reruns"] if rerun["learned"]}
    assert trained >= {"train_teacher@t1", "train_student@1", "soft_labels"}

    runs.edit(folder, lambda params: params["corpora"][runs.CORPUS].update(exclude_patients=[patient]))
    if command == "dvc repro":
        runs.repro(folder)
    else:
        succeed(breathline(folder, server, "run", "--jobs", "1"), timeout_s=400)
    again = done(folder)[len(first) :]
    assert set(again) == concerned
    assert len(again) == len(concerned)
    assert {stage.partition("@")[0] for stage in set(first) - concerned} == UNTOUCHED

    proof = audit("absent", f"patient:{patient}")
    assert (proof["proven"], proof["traces"], proof["not_there"]) == (True, [], [])
    known = [proof["known_by"][kind] for kind in ("files", "rows", "weights")]
    assert known == [2 * len(theirs), 4 * theirs["cycles"].sum(), 3]
    verified = audit("verify", "--absent", f"patient:{patient}")
    assert (verified["verified"], "patient-absent" in {found["kind"] for found in verified["findings"]}) == (True, True)

    account = json.loads((folder / f"data/lineage/download@{runs.CORPUS}.json").read_text())["account"]
    assert account["excluded"] == {f"patient:{patient}": len(theirs)}
    assert account["recordings"] == {"in": len(recordings), "out": len(recordings) - len(theirs)}
    changes = audit("diff", "HEAD", ".")
    assert changes["recordings"]["removed"] == theirs["recording_id"].to_list()
    assert (changes["recordings"]["added"], changes["recordings"]["changed"]) == ([], {})
    assert changes["code"] == {"added": [], "removed": [], "changed": {}}
    assert changes["parameters"]["added"] == [f"corpora.{runs.CORPUS}.exclude_patients"]


def withdraw(folder: Path, patient: str, remote: Path) -> dict:
    """Withdraw a patient, hold the result to the independent search, and return the output of the command."""
    sought = independent_search.evidence(folder, patient)
    with open_repo(folder) as repo:
        database = Path(repo.site_cache_dir)
    before = independent_search.in_folder(folder, sought)
    assert {name.split("/")[0] for name in before} >= {".dvc", "data", "reports"}
    assert independent_search.in_folder(remote, sought)
    assert independent_search.in_folder(database, sought)
    published = independent_search.in_git(folder, sought)  # lists and examples of the published corpus
    text = toy.call(folder, "breathline", "withdraw", f"patient:{patient}", "--remote", "store", "--yes", "--json")
    found = json.loads(text[text.index("\n{\n") :])
    assert (found["for_people"], found["unfinished"], found["absence"]["traces"]) == ([], [], [])
    assert found["proven"]
    tracked = set(toy.call(folder, "git", "ls-files").splitlines())
    after = {name for name in independent_search.in_folder(folder, sought) if name not in tracked}
    assert {name for name in after if not name.startswith(".git/")} == set()
    assert independent_search.in_git(folder, sought) == published
    assert independent_search.in_folder(remote, sought) == {}
    assert independent_search.in_folder(database, sought) == {}
    verified = json.loads(toy.call(folder, "breathline", "audit", "verify", "--absent", f"patient:{patient}", "--json"))
    assert verified["verified"]
    assert "patient-absent" in {finding["kind"] for finding in verified["findings"]}
    return found


def test_a_patient_is_withdrawn_to_the_end(project):
    recordings = pl.read_parquet(project / "data/cycles/recordings.parquet")
    patient = recordings.filter(pl.col("split") == "train")["patient_id"][0]
    # The finished run is shared, and so is its remote.
    remote = project.parent / "own_store"
    toy.call(project, "dvc", "remote", "modify", "store", "url", str(remote))
    toy.call(project, "dvc", "push", "--quiet", "--run-cache")
    runs.commit(project, "a remote of its own")
    found = withdraw(project, patient, remote)
    assert found["erased"]["objects"] > 20


@pytest.mark.real
@pytest.mark.timeout(3600)  # two whole runs and four searches of a gigabyte
def test_a_patient_is_withdrawn_from_the_real_recordings(real_icbhi, tmp_path):
    source, folder, remote = tmp_path / "icbhi", toy.checkout(runs.ROOT, tmp_path / "project"), tmp_path / "store"
    subprocess.run([sys.executable, real_icbhi / "unpack.py", source], check=True)
    toy.call(folder, "breathline", "recipe", "use", "mn_plain", "--small", "--corpus", str(source))
    toy.call(folder, "dvc", "remote", "add", "--default", "store", str(remote))
    runs.commit(folder, "the code")
    runs.repro(folder)
    runs.commit(folder, "the run")
    toy.call(folder, "dvc", "push", "--quiet", "--run-cache")
    recordings = pl.read_parquet(folder / "data/cycles/recordings.parquet")
    patient = recordings.filter(pl.col("split") == "train")["patient_id"].mode().sort()[0]
    found = withdraw(folder, patient, remote)
    assert found["erased"]["remotes"]["store"] > 20
