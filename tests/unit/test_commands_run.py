"""Cheap commands of the documents, run as they are written there (tests/documents/kinds.py)."""

import csv
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.documents import kinds, shell_blocks
from tests.documents.in_process import run
from tests.unit.tasks.monitoring import in_use
from tests.unit.tasks.own_data.invented import write_audio
from tests.unit.tasks.prediction import onnx_model
from tests.unit.tasks.prediction.recorded import write

ROOT = shell_blocks.ROOT
COMMANDS = list(dict.fromkeys(command.text for command in shell_blocks.commands()))
# Names of the generated demo corpus in the documents, and those of the small run in their place.
SMALL_NAMES = {"102_3b2_Al_sc_Litt3200": "102_2b1_Al_sc_Litt3200"}
LABELS = "0.0\t1.5\twheeze\n2.0\t3.5\tnormal\n"  # label track of Audacity
# Words of a command that decide what it does: names of commands and options.
FORM = re.compile(r"^breathline [a-z-]+|(?<= )(?:list|show|use|add|trace|verify|log|export|--[a-z]+)")


def of(patterns: tuple[str, ...]) -> list[str]:
    """Return the commands of some kinds."""
    return [command for command in COMMANDS if kinds.matching(patterns, command)]


def one_of_each_form(patterns: tuple[str, ...]) -> list[ParameterSet]:
    """Return the commands of some kinds; those with the options of an earlier one are left to `make test-long`."""
    found, forms = [], set()
    for command in of(patterns):
        form = tuple(FORM.findall(command))
        found.append(pytest.param(command, marks=pytest.mark.long if form in forms else ()))
        forms.add(form)
    return found


def succeed(command: str) -> None:
    """Run a command, which must end with the status that the documents show."""
    status, printed = run(command)
    assert status == kinds.STATUS.get(command, 0), printed


def test_every_command_has_a_kind_and_every_kind_a_command():
    every = [*kinds.PARAMETERS, *kinds.RUN, *kinds.MODEL, *kinds.DEMO, *kinds.NOT_RUN]
    assert [command for command in COMMANDS if not kinds.matching(every, command)] == []
    assert [pattern for pattern in every if not any(kinds.matching([pattern], command) for command in COMMANDS)] == []
    run_here = [*kinds.PARAMETERS, *kinds.RUN, *kinds.MODEL, *kinds.DEMO]
    assert [command for command in of(tuple(kinds.NOT_RUN)) if kinds.matching(run_here, command)] == []
    assert len(COMMANDS) > 100


@pytest.mark.parametrize("command", one_of_each_form(kinds.PARAMETERS))
def test_commands_that_need_parameters(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, name)
    Path("recipes").symlink_to(ROOT / "recipes")
    recordings = {
        "ICBHI_final_database": "101_1b1_Al_sc_Meditron.wav",
        "respiratory-sound-database": "101_1b1_Al_sc_Meditron.wav",
        "SPRSound": "40996203_3.9_0_p1_2342.wav",
        "FOLDER": "101_1b1_Al_sc_Meditron.wav",
    }
    for folder, name in recordings.items():
        with zipfile.ZipFile(f"{folder}.zip", "w") as archive:
            archive.writestr(name, b"")
        Path(folder).mkdir()
        Path(folder, name).touch()
    names = [f"P{patient}_{number}.wav" for patient in range(6) for number in range(2)]
    write_audio(Path("recordings"), names)
    for table, labels in (("sounds.csv", ("normal", "wheeze")), ("bad.csv", ("normal", "krackle"))):
        with open(table, "w", encoding="utf-8", newline="") as file:
            rows = [(name, start, start + 1.5, label) for name in names for start, label in enumerate(labels)]
            csv.writer(file).writerows([("file", "start", "end", "label"), *rows])
    for name in names if "audacity" in command else ():
        Path("recordings", name).with_suffix(".txt").write_text(
            "0.0\t1.5\twheeze\n2.0\t3.5\tnormal\n", encoding="utf-8"
        )
    succeed(command)


@pytest.fixture(scope="module")
def finished(small_run, tmp_path_factory):
    """Return a copy of the small run, in which the commands run one after the other."""
    return Path(shutil.copytree(small_run, tmp_path_factory.mktemp("commands") / "project", symlinks=True))


@pytest.mark.parametrize("command", one_of_each_form(kinds.RUN))
def test_commands_that_need_a_run(finished, monkeypatch, command):
    monkeypatch.chdir(finished)
    for name, other in SMALL_NAMES.items():
        command = command.replace(name, other)
    succeed(command)


@pytest.mark.parametrize("command", one_of_each_form(kinds.MODEL))
def test_commands_that_need_a_model(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    onnx_model.write(Path("data/export/1"), duration_s=2.5)
    for name in ("recording", "ward/a", "ward/b", "night/c", "night/d"):
        path = Path(f"{name}.wav")
        path.parent.mkdir(exist_ok=True)
        write(path, 6.0)
    if " monitor " in command:
        in_use.model(Path("data/export/1"))
        in_use.log(Path("use.jsonl"))
    succeed(command)
