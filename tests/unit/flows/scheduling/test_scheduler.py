from __future__ import annotations

from pathlib import Path

import pytest

from flows.scheduling.scheduler import identities, run, units
from tests import toy


@pytest.fixture
def pair(tmp_path) -> list[Path]:
    """Return two projects on one DVC cache that differ in what the stage `last` does; `teacher` counts its runs."""
    graph = toy.GRAPH.replace("cat first.txt >", f"echo ${{key}} >> {tmp_path}/ran.txt && cat first.txt >")
    folders = [toy.make(tmp_path / name, graph) for name in ("one", "other")]
    for folder in folders:
        toy.call(folder, "dvc", "config", "--local", "cache.dir", str(tmp_path / "cache"))
    params = folders[1] / "params.yaml"
    params.write_text(params.read_text().replace("rho: 0.05", "rho: 0.1"))
    return folders


def test_what_two_workspaces_share_runs_once_and_a_second_time_nothing_runs(pair, tmp_path):
    one, other = (identities(folder) for folder in pair)
    assert {name for name in one if one[name] != other[name]} == {"last"}
    (pair[1] / "src.txt").write_text("another source\n")
    assert not set(identities(pair[1]).values()) & set(one.values())
    (pair[1] / "src.txt").write_text("source\n")
    waiting = [unit for folder in pair for unit in units(folder)]
    outcomes = run(waiting, jobs=4, told=lambda *_: None)
    assert all(outcome.failure is None and len(outcome.done) == outcome.total == 4 for outcome in outcomes.values())
    assert sorted((tmp_path / "ran.txt").read_text().split()) == ["a", "b"]
    assert [unit for folder in pair for unit in units(folder)] == []


def test_a_failure_ends_its_own_workspace_alone(pair):
    graph = pair[0] / "dvc.yaml"
    graph.write_text(graph.read_text().replace("cat data/*/model > last.txt", "echo broken && false"))
    outcomes = run([unit for folder in pair for unit in units(folder)], jobs=2, told=lambda *_: None)
    failed, fine = (outcomes[folder] for folder in pair)
    assert "broken" in str(failed.failure)
    assert (len(failed.done), len(fine.done), fine.failure) == (3, 4, None)
    assert "broken" in (pair[0] / "stages.log").read_text()
