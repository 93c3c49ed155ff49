"""The commands of docs/how-to/own-data.md: recordings with a table, or with label tracks, become an evaluated model."""

import json
import re
import shlex
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli import recipe
from cli.corpus import command
from tests.pipeline import in_process
from tests.unit.tasks.own_data.invented import ROOT, write_audio

NAMES = [f"Ward 7/{patient}_{number}.wav" for patient in ("Zoë", "K12", "x-3", "x 4", "QQ", "99") for number in (1, 2)]
APPS = {"corpus": command.app, "recipe": recipe.app}
DEVICES = {"Eko", "Thinklabs 1"}
SOUNDS = ((0.0, "normal"), (1.5, "coarse crackles"), (3.0, "Wheezing"))


def commands(heading: str) -> list[list[str]]:
    """Return the words of the commands in the first block of code below a heading of the guide."""
    text = (ROOT / "docs/how-to/own-data.md").read_text(encoding="utf-8").partition(f"# {heading}\n")[2]
    block = re.search(r"```\n(.*?)```", text, flags=re.DOTALL)
    assert block is not None
    return [shlex.split(line) for line in block[1].splitlines()]


def write_table(folder: Path) -> None:
    lines = [f"{name},{start},{start + 1.4},{label}" for name in NAMES for start, label in SOUNDS]
    (folder / "sounds.csv").write_text("\n".join(["file,start,end,label", *lines]) + "\n", encoding="utf-8")


def write_devices(folder: Path) -> None:
    """Write a table with stethoscopes that no corpus has."""
    write_table(folder)
    heading, *rows = (folder / "sounds.csv").read_text(encoding="utf-8").splitlines()
    lines = [f"{row},{sorted(DEVICES)[number // len(SOUNDS) % 2]}" for number, row in enumerate(rows)]
    (folder / "sounds.csv").write_text("\n".join([f"{heading},device", *lines]) + "\n", encoding="utf-8")


def write_label_tracks(folder: Path) -> None:
    for name in NAMES:
        lines = [f"{start:.6f}\t{start + 1.4:.6f}\t{label}\n" for start, label in SOUNDS]
        (folder / "recordings" / name).with_suffix(".txt").write_text("".join(lines), encoding="utf-8")


@pytest.mark.slow  # it trains and evaluates
@pytest.mark.parametrize(
    ("heading", "write"),
    [
        ("Your own recordings", write_devices),
        pytest.param("Your own recordings", write_table, marks=pytest.mark.long),
        pytest.param("Annotation files", write_label_tracks, marks=pytest.mark.long),
    ],
)
def test_own_recordings_become_a_trained_and_evaluated_model(tmp_path, monkeypatch, heading, write):
    three = commands("Your own recordings")
    assert [words[:2] for words in three] == [["breathline", "corpus"], ["breathline", "recipe"], ["dvc", "repro"]]
    add = commands(heading)[0]
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    write_audio(tmp_path / "recordings", NAMES, seconds=4.5)
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for words in (add, [*three[1], "--small"]):
        done = CliRunner().invoke(APPS[words[1]], words[2:])
        assert done.exit_code == 0, done.output
    in_process.repro(tmp_path, {})
    in_process.run("export")

    predictions = pl.read_parquet("data/evaluation/predictions.parquet")
    assert predictions["patient_id"].str.starts_with("mine-").all()
    assert predictions["cycle_id"].str.contains(r"^mine-[\w-]+_\d{3}$").all()
    recordings = pl.read_parquet("data/cycles/recordings.parquet")
    assert recordings["patient_id"].n_unique() == 6
    devices = DEVICES if write is write_devices else {None}
    assert set(recordings["device"]) == devices
    assert set(recordings["table_file"]) == set(NAMES)
    metrics = json.loads(Path("reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["students"]
    assert "Own recordings (mine)" in Path("reports/report.html").read_text(encoding="utf-8")
    shown = CliRunner().invoke(command.app, ["show", "mine"], env={"COLUMNS": "100"}).stdout
    assert "normal 12, crackle 12, wheeze 12, both 0" in shown
    assert all((device or "none known") in shown for device in devices)
    assert "36" in CliRunner().invoke(command.app, ["list"], env={"COLUMNS": "100"}).stdout
