"""`breathline audit verify` finds each change of a run and names it."""

import shutil

import pyarrow.parquet as pq
import pytest

from lineage.verify import verification
from tests.pipeline import tampering as do
from tests.pipeline.tampered import exported
from tests.pipeline.tampered.cases import CASES, COSTLY, FIRST, HONEST, RETRAINED, TWO_SEEDS, TYPICAL

# Each case copies a run, changes and verifies it, in a second or two; building the real run takes a minute.
pytestmark = pytest.mark.slow


def parameters(cases, quick):
    """Return the names of cases, those marked `long` that are not among the quick ones."""
    return [case if case in quick else pytest.param(case, marks=pytest.mark.long) for case in cases]


def check(project, case):
    tamper, kinds, where, words = (CASES | TWO_SEEDS | RETRAINED)[case]
    cycle = pq.read_table(project / do.FEATURES.replace("features.npy", "index.parquet"))["cycle_id"][2]
    row = pq.read_table(project / do.PREDICTIONS, columns=["model", "selection", "cycle_id"]).to_pylist()[7]
    first = pq.read_table(project / do.CYCLES, columns=["cycle_id", "lungsound_4"]).to_pylist()[0]
    label = f"lungsound_4 of {first['cycle_id']}: {first['lungsound_4']} → {(first['lungsound_4'] + 1) % 4}"
    words = words.format(cycle=cycle, prediction=" ".join(row.values()), label=label)
    tamper(project)
    errors = verification.verify(project, signed=exported.signed(project)).errors
    expected = set(kinds.split())
    named = [one for one in errors if one.kind in expected and where in one.where and words in one.what]
    assert ({one.kind for one in errors}, bool(named)) == (expected, True), errors


@pytest.mark.parametrize("case", parameters([*CASES, *TWO_SEEDS], FIRST))
def test_a_change_of_the_small_project_is_found(small_run, tmp_path, case):
    check(shutil.copytree(small_run, tmp_path / "project", symlinks=True), case)


@pytest.mark.parametrize("case", parameters([*CASES, *RETRAINED], TYPICAL))
def test_a_change_of_a_finished_run_is_found(project, case):
    check(project, case)


@pytest.mark.parametrize("situation", parameters(HONEST, HONEST.keys() - COSTLY))
def test_an_honest_situation_is_no_tampering(small_run, tmp_path, situation):
    project = shutil.copytree(small_run, tmp_path / "project", symlinks=True)
    HONEST[situation](project)
    assert verification.verify(project, signed=exported.signed(project)).errors == []
