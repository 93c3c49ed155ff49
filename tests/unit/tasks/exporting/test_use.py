"""The example of use of an export on real recordings; on generated ones, see test_portable.py."""

import shutil
from pathlib import Path

import pytest

from tasks.prediction import predictor
from tests.unit.tasks.exporting import exports_on_disk

DEVICES = ("Meditron", "Litt3200", "AKGC417L")  # of real recordings, with their rates


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return exports_on_disk.bare_python(tmp_path_factory.mktemp("bare") / "venv")


@pytest.mark.real
@pytest.mark.slow  # the network is exported
@pytest.mark.parametrize("frontend", ["ast", pytest.param("efficientat", marks=pytest.mark.long)])
def test_it_predicts_real_recordings_as_the_pipeline_does(python, real_icbhi, tmp_path, frontend):
    student, exported = exports_on_disk.write(tmp_path, frontend, onnx=True)
    found = [min((real_icbhi / "flac").glob(f"*_{device}.flac")) for device in DEVICES]
    wavs = [Path(shutil.copy(wav, tmp_path)) for wav in found]  # without annotations, so that both cut windows
    rows, _ = exports_on_disk.run_example(python, exported, wavs, tmp_path)
    model = predictor.load(student, "student", engine="torch")
    # A step of float16, which rounding decides, moves a probability of this random network by more than the bound.
    steep = exports_on_disk.compare_features(model, exported, wavs) if frontend == "efficientat" else None
    exports_on_disk.compare_example(rows, model, wavs, steep)
