"""Stages of two workspaces on one DVC cache, in threads, by the scheduler."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.processes.stage_process import StageProcesses
from flows.scheduling import scheduler
from flows.scheduling.gpu_slots import GpuSlots
from flows.scheduling.local_stages import LocalStages
from flows.scheduling.work_units import outdated_units, work_hashes
from tests import toy


@pytest.fixture
def pair(tmp_path) -> list[Path]:
    """Return two projects on one DVC cache with different stages `last`; `teacher` counts its runs."""
    graph = toy.GRAPH.replace("cat first.txt >", f"echo ${{key}} >> {tmp_path}/ran.txt && cat first.txt >")
    folders = [toy.make(tmp_path / name, graph) for name in ("one", "other")]
    for folder in folders:
        toy.call(folder, "dvc", "config", "--local", "cache.dir", str(tmp_path / "cache"))
    params = folders[1] / "params.yaml"
    params.write_text(params.read_text().replace("rho: 0.05", "rho: 0.1"))
    return folders


def run(folders: Sequence[Path]) -> scheduler.Results:
    units = [unit for folder in folders for unit in outdated_units(folder)]
    with ThreadPoolExecutor(4) as pool, StageProcesses() as processes:
        stages = LocalStages(processes, GpuSlots(None))
        return scheduler.run(units, jobs=4, start=lambda unit: pool.submit(stages.run_logged, unit))


@pytest.mark.slow  # six stages, each by a DVC of its own: 5 s
def test_shared_work_runs_once_and_the_second_time_nothing_runs(pair, tmp_path):
    one, other = (work_hashes(folder) for folder in pair)
    assert {name for name in one if one[name] != other[name]} == {"last"}
    (pair[1] / "src.txt").write_text("another source\n")
    assert not set(work_hashes(pair[1]).values()) & set(one.values())
    (pair[1] / "src.txt").write_text("source\n")
    results = run(pair)
    assert list(results.values()) == [None] * 8
    assert sorted((tmp_path / "ran.txt").read_text().split()) == ["a", "b"]
    assert [unit for folder in pair for unit in outdated_units(folder)] == []


@pytest.mark.slow
def test_a_failure_is_in_the_log_of_its_workspace_and_leaves_the_other_alone(pair):
    graph = pair[0] / "dvc.yaml"
    graph.write_text(graph.read_text().replace("cat data/*/model > last.txt", "echo broken && false"))
    results = run(pair)
    failures = scheduler.first_failures(results)
    assert "broken" in str(failures.pop(pair[0]))
    assert not failures
    assert len(results) == 8
    assert "broken" in (pair[0] / "stages.log").read_text()
