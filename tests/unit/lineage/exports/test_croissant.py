"""Croissant descriptions, validated by `mlcroissant`, which also reads the data through them."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import mlcroissant
import polars as pl
import pytest
from absl import logging as absl_logging

from lineage import project
from lineage.exports import croissant
from lineage.exports.request import Request
from tasks.runtime.errors import BreathlineError

# mlcroissant brings absl's log handler, which keeps the stream of the moment (pytest's capture) and closes it once
# another library sets up logging anew; the process's own stderr it leaves open.
absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__


@pytest.fixture(scope="module")
def described(small_project, tmp_path_factory):
    """A copy of the project with the descriptions in `cards/`."""
    root = Path(shutil.copytree(small_project, tmp_path_factory.mktemp("croissant") / "p"))
    for name, text in croissant.files(Request(project.load(root), root / "cards")).items():
        path = root / "cards" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


def records(root, name, table):
    dataset = mlcroissant.Dataset(str(root / "cards" / f"{name}.croissant.json"))
    rows = [{key.rpartition("/")[2]: value for key, value in row.items()} for row in dataset.records(table)]
    texts = [{k: v.decode() if isinstance(v, bytes) else v for k, v in row.items()} for row in rows]
    return pl.DataFrame(texts, strict=False)


def test_there_is_a_description_of_cycles_and_of_each_front_end(described):
    names = {path.name for path in (described / "cards").iterdir()}
    assert names == {"cycles.croissant.json", "fbank_ast.croissant.json", "fbank_panns.croissant.json"}


@pytest.mark.parametrize("name", ["cycles", "fbank_ast", "fbank_panns"])
def test_the_validator_finds_no_issue(described, name):
    metadata = mlcroissant.Dataset(str(described / "cards" / f"{name}.croissant.json")).metadata
    assert metadata.ctx.issues.report() == ""
    assert metadata.ctx.conforms_to.value.endswith("croissant/1.1")
    for file in metadata.distribution:
        content = (described / "cards" / file.content_url).read_bytes()
        assert (file.sha256, file.content_size) == (hashlib.sha256(content).hexdigest(), f"{len(content)} B")


@pytest.mark.parametrize("table", ["cycles", "recordings"])
def test_tables_are_read_through_the_description(described, table):
    there = pl.read_parquet(described / f"data/extracted/icbhi/{table}.parquet")
    keys = {"cycles": ["patient_id", "start_s"], "recordings": ["frames", "recording_sha256"]}[table]
    keys += [f"{table[:-1]}_id"]
    read = records(described, "cycles", f"data/extracted/icbhi/{table}")
    assert read.columns == there.columns
    assert read.select(keys).rows() == there.select(keys).rows()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cycles", "fbank_ast", "fbank_panns"])
def test_every_record_set_is_read_through_the_description(described, name):
    path = described / "cards" / f"{name}.croissant.json"
    tables = [one["@id"] for one in json.loads(path.read_text())["recordSet"]]
    assert len(tables) == (4 if name == "cycles" else 1)
    for table in tables:
        there, read = pl.read_parquet(described / f"{table}.parquet"), records(described, name, table)
        assert (read.columns, read.height) == (there.columns, there.height)
        if "samples" in there.columns:
            assert read["samples"].list.len().to_list() == there["samples"].list.len().to_list()


def test_creators_are_the_authors_of_the_corpus(described, several_project, tmp_path):
    found = mlcroissant.Dataset(str(described / "cards/cycles.croissant.json")).metadata.creators
    assert {type(one).__name__ for one in found} == {"Person"}
    assert [one.name for one in found][:2] == ["B. M. Rocha", "D. Filos"]
    assert len(found) == 19
    own = croissant.files(Request(project.load(several_project), tmp_path))["cycles_second.croissant.json"]
    assert json.loads(own)["creator"] == [{"@type": "sc:Organization", "name": "unknown"}]


def test_properties_of_responsible_ai_follow_from_the_tables(described):
    metadata = mlcroissant.Dataset(str(described / "cards/cycles.croissant.json")).metadata
    recordings = pl.read_parquet(described / "data/extracted/icbhi/recordings.parquet")
    source = json.loads((described / "data/raw/icbhi/source.json").read_text())
    devices = recordings["device"].value_counts(sort=True).rows()
    assert f"Recordings by device: {', '.join(f'{name} {number}' for name, number in devices)}." in metadata.data_biases
    assert f"and the source lacks: {len(source['missing'])}." in metadata.data_collection_missing_data
    assert source["archive"]["sha256"] in metadata.data_collection_raw_data
    assert "resampled to 16000 and 32000 Hz" in metadata.data_preprocessing_protocol[0]
    assert any(one.startswith("lungsound_4: ") for one in metadata.data_annotation_protocol)
    counted = (
        f"The recordings are of {recordings['patient_id'].n_unique()} patients with {recordings.height} recordings"
    )
    assert any(limit.startswith(counted) for limit in metadata.data_limitations)


def test_no_description_names_a_recording(described):
    assert not any("101_1b1" in path.read_text() for path in (described / "cards").iterdir())


def test_a_missing_table_is_named(small_project, tmp_path):
    root = Path(shutil.copytree(small_project, tmp_path / "p", ignore=shutil.ignore_patterns("16000.parquet")))
    with pytest.raises(BreathlineError, match="is missing") as caught:
        croissant.files(Request(project.load(root), root))
    assert caught.value.where == "data/waveforms/icbhi/16000.parquet"
