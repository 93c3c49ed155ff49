"""Relative path of a corpus or of weights under `dvc exp run --temp`, which runs in a copy of the project."""

import sys
from pathlib import Path

import pytest

from tasks.runtime.user_paths import PROJECT, resolve
from tests import toy

STAGE = """\
stages:
  first:
    cmd: {python} -c "from pathlib import Path; from tasks.runtime.user_paths import resolve;
      print(resolve(Path('corpus.zip')).read_text(), resolve(Path('../beside.zip')).read_text())" > out.txt
    params: [rho]
    outs: [out.txt]
"""


def test_a_file_that_the_copy_lacks_is_that_of_the_project(tmp_path, monkeypatch):
    project, copy = tmp_path / "project", tmp_path / "copy"
    for folder, name in ((project, "a.zip"), (project, "b.zip"), (copy, "b.zip")):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(folder.name)
    monkeypatch.chdir(copy)
    monkeypatch.setenv(PROJECT, str(project))
    assert resolve(Path("a.zip")).read_text() == "project"
    assert resolve(Path("b.zip")).read_text() == "copy"
    assert resolve(Path("none.zip")) == Path("none.zip")
    monkeypatch.delenv(PROJECT)
    assert resolve(Path("a.zip")) == Path("a.zip")


@pytest.mark.long  # an experiment of DVC takes 10 s
def test_an_experiment_of_dvc_finds_the_files(tmp_path):
    python = f"PYTHONPATH={toy.ROOT} {sys.executable}"
    folder = toy.make(tmp_path / "project", STAGE.format(python=python))
    (folder / ".gitignore").write_text("*.zip\n")
    toy.commit(folder, "start")
    (folder / "corpus.zip").write_text("inside")
    (tmp_path / "beside.zip").write_text("beside")
    toy.call(folder, "dvc", "exp", "run", "--temp", "--name", "one", "--set-param", "rho=0.1")
    toy.call(folder, "dvc", "exp", "apply", "one")
    assert (folder / "out.txt").read_text() == "inside beside\n"
