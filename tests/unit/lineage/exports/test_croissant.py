"""Croissant descriptions, validated by `mlcroissant`, which also reads the data through them."""

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
from tasks.runtime.files import sha256

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
        assert file.sha256 == sha256(described / "cards" / file.content_url)


@pytest.mark.parametrize("table", ["cycles", "recordings"])
def test_tables_are_read_through_the_description(described, table):
    there = pl.read_parquet(described / f"data/extracted/icbhi/{table}.parquet")
    keys = {"cycles": ["patient_id", "start_s"], "recordings": ["frames", "recording_sha256"]}[table]
    keys += [f"{table[:-1]}_id"]
    read = records(described, "cycles", f"data/extracted/icbhi/{table}")
    assert read.columns == there.columns
    assert read.select(keys).rows() == there.select(keys).rows()


@pytest.mark.slow
def test_waveforms_and_index_of_features_are_read_through_the_description(described):
    waveforms = records(described, "cycles", "data/waveforms/icbhi/16000")
    there = pl.read_parquet(described / "data/waveforms/icbhi/16000.parquet")
    assert waveforms["samples"].list.len().to_list() == there["samples"].list.len().to_list()
    index = records(described, "fbank_panns", "data/fbank/panns/icbhi/index")
    assert index["row"].to_list() == list(range(13))


def test_no_description_names_a_recording(described):
    assert not any("101_1b1" in path.read_text() for path in (described / "cards").iterdir())


def test_a_missing_table_is_named(small_project, tmp_path):
    root = Path(shutil.copytree(small_project, tmp_path / "p", ignore=shutil.ignore_patterns("16000.parquet")))
    with pytest.raises(BreathlineError, match="is missing") as caught:
        croissant.files(Request(project.load(root), root))
    assert caught.value.where == "data/waveforms/icbhi/16000.parquet"
