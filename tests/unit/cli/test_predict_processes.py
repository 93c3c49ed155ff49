"""Processes of `breathline predict`: what they import, and their memory for a night."""

import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from lineage import files
from tasks.runtime.files import write_json
from tests import toy
from tests.unit.tasks.prediction import onnx_model
from tests.unit.tasks.prediction.recorded import write


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, outside of any project, with a recording without annotation."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.wav")
    return tmp_path


START = """
import sys
from cli.start import main
try:
    main(prog_name="breathline")
finally:
    print("heavy:", sorted(set(sys.modules) & set(sys.argv[0].split())), file=sys.stderr)
"""
HEAVY = "torch pyarrow polars pandas scipy.signal scipy dvc prefect httpx jinja2 cli.run cli.plan flows.registry"


def of_project(folder):
    """Write the record of an export, and an annotation beside the recording."""
    described = files.describe(folder, ["data/export"])
    facts = {"command": "", "inputs": [], "params": {}, "modules": {}, "code": [], "environment": {}, "stage": "export"}
    write_json(folder / "data/lineage/export.json", facts | {"outputs": described})
    (folder / "a.txt").write_text("0.5\t2.0\t0\t1\n")


@pytest.mark.slow
@pytest.mark.parametrize(("prepare", "heavy"), [(lambda _: None, f"{HEAVY} ruamel"), (of_project, HEAVY)])
def test_an_export_predicts_without_torch_tables_and_other_commands(folder, prepare, heavy):
    """One short file takes 0.6 s, of which these imports would be several seconds (docs/benchmarks.md)."""
    onnx_model.write(folder / "data" / "export" / "1")
    prepare(folder)
    program = f"import sys; sys.argv[0] = {heavy!r}\n{START}"
    command = [sys.executable, "-c", program, "predict", "a.wav", "--model", "data/export/1", "--out", "a.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=toy.ENV)
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stderr
    assert "engine onnx" in done.stdout
    assert "learned from generated sounds" in done.stdout


NIGHT = """
import sys
from cli.start import main
try:
    main(prog_name="breathline")
finally:  # not of `resource`, whose figure begins with the memory of the process that started this one
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the size of a process in /proc")
def test_a_night_of_eight_hours_takes_less_than_400_mb(folder):
    onnx_model.write(folder / "export", duration_s=2.5)
    random = np.random.default_rng(0)
    with soundfile.SoundFile("night.wav", "w", 4000, 1, subtype="PCM_16") as file:
        for _ in range(8 * 60):
            file.write(random.normal(0, 0.05, 240_000))
    command = [sys.executable, "-c", NIGHT, "predict", "night.wav", "--model", "export", "--out", "night.parquet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=toy.ENV)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.splitlines()[-1]) * 1024 < 400e6
    assert pq.read_metadata("night.parquet").num_rows == 11_520
