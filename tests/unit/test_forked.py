"""Forks of DVC and of stages behave as the processes that they stand for."""

import subprocess
import sys

import pytest

from tests import forked, toy


def test_a_fork_has_the_folder_environment_output_and_status_of_its_command(tmp_path):
    folder = toy.make(tmp_path / "project", "stages: {one: {cmd: 'echo $GIVEN $PWD > one.txt', outs: [one.txt]}}")
    printed = toy.call(folder, "dvc", "repro", env=toy.ENV | {"GIVEN": "given"})
    assert "Running stage 'one':" in printed
    assert (folder / "one.txt").read_text() == f"given {folder}\n"
    assert "'nonsense'" in toy.call(folder, "dvc", "nonsense", status=254)


@pytest.mark.long  # imports the libraries of all stages: 4 s; in `make test`, the finished run uses them
def test_a_stage_is_a_fork_and_other_commands_of_python_are_not():
    env = forked.stages_first(toy.ENV)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["python", *arguments], env=env, capture_output=True, text=True, check=False)

    assert run("-c", "import sys; print(sys.executable)").stdout.strip() == sys.executable
    done = run("-m", "cli.stage", "nonsense")
    assert done.returncode == 2
    assert "unknown stage nonsense" in done.stderr
