"""A patient withdraws: `trace` says what that concerns, `run` makes exactly that anew, and nothing of them is left."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests import toy
from tests.pipeline import runs
from tests.pipeline.commands import breathline, succeed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def done(folder: Path) -> list[str]:
    """Return the stages that ended well, by the event log."""
    events = map(json.loads, (folder / ".lineage/events.jsonl").read_text().splitlines())
    return [event["stage"] for event in events if event.get("status") == "done"]


def test_a_patient_is_removed(project: Path, server: dict[str, str]) -> None:
    folder = project
    first = done(folder)
    recordings = pl.read_parquet(folder / "data/cycles/recordings.parquet")
    patient = recordings.filter(pl.col("split") == "train")["patient_id"][0]
    theirs = recordings.filter(pl.col("patient_id") == patient)
    assert f"Patient {patient} is still in" in toy.call(
        folder, "breathline", "audit", "absent", f"patient:{patient}", ok=False
    )

    refused = toy.call(folder, "breathline", "audit", "verify", "--absent", f"patient:{patient}", "--json", ok=False)
    assert {found["kind"] for found in json.loads(refused)["findings"] if found["severity"] == "error"} == {
        "patient-left"
    }

    answer = json.loads(toy.call(folder, "breathline", "audit", "trace", f"patient:{patient}", "--json"))
    concerned = {rerun["stage"] for rerun in answer["reruns"]}
    trained = {rerun["stage"] for rerun in answer["reruns"] if rerun["learned"]}
    assert trained >= {"train_teacher@t1", "train_student@1", "soft_labels"}

    runs.edit(folder, lambda params: params["download"].update(exclude_patients=[patient]))
    succeed(breathline(folder, server, "run", "--jobs", "1"), timeout_s=400)
    again = done(folder)[len(first) :]
    assert set(again) == concerned
    assert len(again) == len(concerned)
    assert set(first) - concerned == {"weights@scratch"}

    proof = json.loads(toy.call(folder, "breathline", "audit", "absent", f"patient:{patient}", "--json"))
    assert (proof["proven"], proof["traces"], proof["not_there"]) == (True, [], [])
    assert proof["known_by"]["files"] == 2 * len(theirs)
    assert proof["known_by"]["rows"] == 4 * theirs["cycles"].sum()
    assert proof["known_by"]["weights"] == 3

    verified = json.loads(toy.call(folder, "breathline", "audit", "verify", "--absent", f"patient:{patient}", "--json"))
    assert (verified["verified"], "patient-absent" in {found["kind"] for found in verified["findings"]}) == (True, True)

    account = json.loads((folder / "data/lineage/download.json").read_text())["account"]
    assert account["excluded"] == {f"patient:{patient}": len(theirs)}
    assert account["recordings"] == {"in": len(recordings), "out": len(recordings) - len(theirs)}
    changes = json.loads(toy.call(folder, "breathline", "audit", "diff", "HEAD", ".", "--json"))
    assert changes["recordings"]["removed"] == theirs["recording_id"].to_list()
    assert (changes["recordings"]["added"], changes["recordings"]["changed"]) == ([], {})
    assert changes["code"] == {"added": [], "removed": [], "changed": {}}
    assert list(changes["parameters"]["changed"]) == ["download.exclude_patients"]
