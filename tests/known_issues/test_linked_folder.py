"""`data` or `reports` as a symbolic link: DVC refused its outs only after the first stage had run."""

import shutil

import pytest

from flows import graph
from lineage import record_writing
from tasks.runtime.errors import BreathlineError
from tests import toy

GRAPH = """\
stages:
  first:
    cmd: touch ran && mkdir -p data/raw && cp src.txt data/raw/first.txt
    deps: [src.txt]
    outs: [data/raw]
"""


def linked(folder, name, target):
    target.mkdir()
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(target)
    return folder


@pytest.mark.parametrize("look", [graph.read, lambda root: record_writing.begin(root, "first")])
def test_a_link_above_an_out_is_refused_before_the_stage_runs(tmp_path, look):
    folder = linked(toy.make(tmp_path / "project", GRAPH), "data", tmp_path / "disk")
    with pytest.raises(BreathlineError) as refused:
        look(folder)
    assert refused.value.what.startswith("The folder data is a symbolic link")
    assert refused.value.where == f"{folder / 'data'} -> {tmp_path / 'disk'}"
    assert "dvc cache dir --local" in refused.value.hint


@pytest.mark.long  # a run of DVC, to see that nothing else is refused
def test_dvc_s_cache_may_be_a_link(tmp_path):
    folder = linked(toy.make(tmp_path / "project", GRAPH), ".dvc/cache", tmp_path / "disk")
    toy.call(folder, "dvc", "repro", "--quiet")
    (stage,) = graph.read(folder)
    assert not stage.changes
    assert list((tmp_path / "disk").rglob("*.dir"))
