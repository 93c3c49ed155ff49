"""A DVC project of a few shell stages, for what does not need the real ones; and copies of the real one."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests import forked

ROOT = Path(__file__).parents[1]
PARAMS = """\
rho: 0.05
teachers:
  a: {seed: 1, lr: 0.1}
  b: {seed: 2, lr: 0.1}
"""
GRAPH = """\
stages:
  first:
    cmd: cp src.txt first.txt
    deps: [src.txt]
    outs: [first.txt]
  teacher:
    foreach: ${teachers}
    do:
      cmd: mkdir -p data/${key} && cat first.txt > data/${key}/model && echo ${item.seed} >> data/${key}/model
      deps: [first.txt]
      params: ["teachers.${key}"]
      outs: ["data/${key}"]
  last:
    cmd: cat data/*/model > last.txt
    deps: [data]
    params: [rho]
    outs: [last.txt]
"""
# Its argument is the student's Score.
SCORE = """\
mkdir -p reports
printf '{"val": {"student": {"score_strict": %s}}}' "$1" > reports/scores.json
"""
ENV = os.environ | {
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "DVC_NO_ANALYTICS": "1",
    "PYTHONWARNDEFAULTENCODING": "",  # in other programs it only adds warnings about their libraries to the output
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}


def call(folder: Path, *command: str, status: int = 0, env: Mapping[str, str] = ENV) -> str:
    """Run a command in a folder and return what it printed; fail with that text if it ends with another status.

    `dvc` and `breathline` are forks of a process that has imported their libraries.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        if command[0] in forked.COMMANDS:
            found = forked.run(folder, command, env, output)
        else:
            merged = subprocess.STDOUT
            found = subprocess.run(command, cwd=folder, env=env, stdout=output, stderr=merged, check=False).returncode
        output.seek(0)
        printed = output.read()
    assert found == status, f"{command} gave {found} instead of {status}:\n{printed}"
    return printed


def make(folder: Path, graph: str = GRAPH, *, top: Path | None = None) -> Path:
    """Return a new DVC repository with the toy graph; its Git repository is the same folder, or `top` above it."""
    folder.mkdir(parents=True, exist_ok=True)
    call(top or folder, "git", "init", "--quiet")
    call(folder, "dvc", "init", "--quiet", *(["--subdir"] if top else []))
    (folder / "src.txt").write_text("source\n")
    (folder / "params.yaml").write_text(PARAMS)
    (folder / "dvc.yaml").write_text(graph)
    return folder


def commit(folder: Path, message: str, *, tag: bool = False) -> str:
    """Commit all that Git does not ignore, tag the commit with its message if asked to, and return the commit."""
    call(folder, "git", "add", ".")
    call(folder, "git", "commit", "--quiet", "-m", message)
    if tag:
        call(folder, "git", "tag", message)
    return call(folder, "git", "rev-parse", "HEAD").strip()


def checkout(root: Path, folder: Path) -> Path:
    """Return a copy of the project as it stands in the working tree, as a new Git repository without a run's traces."""
    for name in call(root, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (root / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
    call(folder, "git", "init", "--quiet")
    return folder
