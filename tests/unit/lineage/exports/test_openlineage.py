"""OpenLineage events: the standard, datasets, runs, copied columns and code."""

import hashlib
import io
import json
import os
import subprocess
import sys
import uuid

import attr
import polars as pl
import pytest

from lineage import events as log
from lineage import machine, project
from lineage.exports import openlineage
from tests import toy
from tests.unit.lineage.exports.openlineage_reader import check_formats, read


def test_every_event_follows_the_standard(made):
    events = openlineage.events(made)
    assert len(events) == 2 * len(made.stages)
    for event in events:
        attr.validate(read(event))
        check_formats(event)


def test_the_reader_of_these_tests_refuses_unknown_fields(made):
    event = openlineage.events(made)[0]
    with pytest.raises(TypeError):
        read(event | {"colour": "red"})
    with pytest.raises(ValueError, match="UUID"):
        read(event | {"run": event["run"] | {"runId": "one"}})


def test_outs_of_a_stage_are_inputs_of_the_next_under_the_same_name_and_version(made):
    ended = {event["job"]["name"]: event for event in openlineage.events(made) if event["eventType"] == "COMPLETE"}

    def names(event, side):
        return {(one["name"], one["facets"]["version"]["datasetVersion"]) for one in event[side]}

    teachers = {one for name in ("t1", "t2", "t3") for one in names(ended[f"train_teacher@{name}"], "outputs")}
    assert teachers == {one for one in names(ended["soft_labels"], "inputs") if one[0].startswith("data/teachers")}
    everything = {one for event in ended.values() for one in names(event, "outputs")}
    assert all(names(event, "inputs") <= everything for event in ended.values())


def test_a_dataset_has_columns_content_and_size(made):
    ended = [event for event in openlineage.events(made) if event["eventType"] == "COMPLETE"]
    (cycles,) = (one for event in ended for one in event["outputs"] if one["name"] == "data/cycles/cycles.parquet")
    assert {"name": "start_s", "type": "double"} in cycles["facets"]["schema"]["fields"]
    file = made.root / "data/cycles/cycles.parquet"
    assert cycles["outputFacets"]["outputStatistics"]["size"] == file.stat().st_size
    assert len(cycles["facets"]["breathline_content"]["sha256"]) == 64


def test_facts_of_events_follow_from_log_and_files(made):
    events = openlineage.events(made)
    lines = [json.loads(line) for line in (made.root / ".lineage/events.jsonl").read_text().splitlines()]
    assert sorted(event["eventTime"] for event in events) == sorted(line["at"] for line in lines)
    pooled = outputs(events)["data/cycles/cycles.parquet"]
    content = (made.root / "data/cycles/cycles.parquet").read_bytes()
    assert pooled["facets"]["version"]["datasetVersion"] == hashlib.sha256(content).hexdigest()
    assert pooled["outputFacets"]["outputStatistics"]["size"] == len(content)
    names = [field["name"] for field in pooled["facets"]["schema"]["fields"]]
    assert names == pl.read_parquet_schema(io.BytesIO(content)).names()
    ended = {event["job"]["name"]: event["run"]["facets"] for event in events if event["eventType"] == "COMPLETE"}
    given = {one["key"]: one["value"] for one in ended["evaluate"]["executionParameters"]["parameters"]}
    assert given["labels"] == '"lungsound_4"'
    records = {line["stage"]: line["record"] for line in lines if line["event"] == "end"}
    hashes = {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in (made.root / "data/lineage").iterdir()
    }
    assert {stage: found["breathline_record"]["record"] for stage, found in ended.items()} == records == hashes


def test_a_failed_run_and_a_run_without_an_end_are_exported(copied):
    flow = "3f1e1a5e-8d3a-4c3e-9a53-1b8f1c1d2e3f"
    begun = {"event": "start", "stage": "evaluate", "user": "anna", "host": "small", "flow_run": flow}
    first = log.append(copied, begun | {"at": "2099-01-02T00:00:00.000+00:00"})
    failed = {"event": "end", "stage": "evaluate", "start": first, "status": "failed", "error": "OSError: disk full"}
    log.append(copied, failed | {"at": "2099-01-02T00:00:01.000+00:00"})
    log.append(copied, begun | {"at": "2099-01-02T00:00:02.000+00:00"})
    started, ended, alone = (event for event in openlineage.events(project.load(copied))[-3:])
    assert [started["eventType"], ended["eventType"], alone["eventType"]] == ["START", "FAIL", "START"]
    assert started["run"]["runId"] == ended["run"]["runId"] != alone["run"]["runId"]
    assert ended["run"]["facets"]["errorMessage"]["message"] == "OSError: disk full"
    assert ended["outputs"] == []
    assert read(started).run.facets["parent"].run.runId == flow
    read(ended)


def outputs(events):
    return {one["name"]: one for event in events for one in event["outputs"]}


def test_a_run_of_dvc_groups_its_stages_and_a_flow_comes_before_it(copied):
    dvc, flow = ("3f1e1a5e-8d3a-4c3e-9a53-1b8f1c1d2e3f", "11111111-8d3a-4c3e-9a53-1b8f1c1d2e3f")
    for stage, parents in (
        ("pool", {"dvc_run": dvc}),
        ("evaluate", {"dvc_run": dvc, "flow_run": flow}),
        ("report", {}),
    ):
        log.append(copied, {"event": "start", "stage": stage, "at": "2099-01-02T00:00:00.000+00:00", **parents})
    started = {event["job"]["name"]: event["run"]["facets"] for event in openlineage.events(project.load(copied))[-3:]}
    jobs = {
        stage: (found["parent"]["run"]["runId"], found["parent"]["job"]["name"])
        for stage, found in started.items()
        if "parent" in found
    }
    assert jobs == {"pool": (dvc, "dvc repro"), "evaluate": (flow, "pipeline")}


def test_a_stage_started_by_dvc_knows_its_run_of_dvc(tmp_path):
    """Two stages of one process called `dvc` have one run, a third of another process has another."""
    (tmp_path / "dvc").write_text(
        "import os, subprocess, sys\n"
        "for shell in (False, True):\n"
        "    command = [sys.executable, '-c', 'from lineage import machine; print(machine.dvc_run())']\n"
        "    given = ' '.join(map(repr, command)) + '; true' if shell else command\n"
        "    subprocess.run(given, shell=shell, cwd=sys.argv[1], check=True)\n"
    )
    command = [sys.executable, str(tmp_path / "dvc"), os.getcwd()]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in "ab")
    assert first[0] == first[1] == str(uuid.UUID(first[0]))
    assert second[0] == second[1] != first[0]
    assert machine.dvc_run() is None


def test_copied_columns_hold_the_cells_of_their_source(several_project):
    made = project.load(several_project)
    events = openlineage.events(made)
    tables = outputs(events)
    copied = {
        name: one["facets"]["columnLineage"]["fields"]
        for name, one in tables.items()
        if "columnLineage" in one["facets"]
    }
    assert set(copied) == {
        "data/cycles/cycles.parquet",
        "data/cycles/recordings.parquet",
        "data/evaluation/predictions.parquet",
        "data/evaluation/external.parquet",
    }
    assert set(copied["data/evaluation/predictions.parquet"]) == {
        "corpus",
        "cycle_id",
        "recording_id",
        "patient_id",
        "label",
    }
    for path, fields in copied.items():
        key = "recording_id" if path.endswith("recordings.parquet") else "cycle_id"
        rows = pl.read_parquet(several_project / path)
        for column, field in fields.items():
            sources = [
                pl.read_parquet(several_project / one["name"]).select(key, pl.col(one["field"]).alias("source"))
                for one in field["inputFields"]
            ]
            joined = rows.select(key, pl.col(column).alias("copy")).join(pl.concat(sources), on=key, how="left")
            assert joined["copy"].equals(joined["source"], null_equal=True), (path, column)
            assert {one["name"] for one in field["inputFields"]} <= set(tables)
            assert {one["transformations"][0]["subtype"] for one in field["inputFields"]} == {"IDENTITY"}


def test_a_stage_names_its_module_in_the_remote_repository(copied):
    assert not any("sourceCodeLocation" in event["job"]["facets"] for event in openlineage.events(project.load(copied)))
    toy.call(copied, "git", "remote", "add", "origin", "https://anna:secret@github.com/anna/lungs.git")
    commit = toy.call(copied, "git", "rev-parse", "HEAD").strip()
    found = {event["job"]["name"]: event for event in openlineage.events(project.load(copied))}
    place = dict(found["evaluate"]["job"]["facets"]["sourceCodeLocation"])
    url = "https://github.com/anna/lungs"
    expected = {"type": "git", "version": commit, "repoUrl": url, "path": "tasks/evaluate.py"}
    assert expected | {"url": f"{url}/blob/{commit}/tasks/evaluate.py"} == {
        key: place[key] for key in (*expected, "url")
    }
    read(found["evaluate"])
