"""Removal of a patient: `trace` names the stages to run again, exactly these run, and no trace is left."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests import toy
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

    def audit(*arguments: str, ok: bool = True) -> dict:
        return json.loads(toy.call(folder, "breathline", "audit", *arguments, "--json", ok=ok))

    still = toy.call(folder, "breathline", "audit", "absent", f"patient:{patient}", ok=False)
    assert f"Patient {patient} is still in" in still
    refused = audit("verify", "--absent", f"patient:{patient}", ok=False)["findings"]
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
