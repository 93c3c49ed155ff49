"""Command group `breathline export`: folders, tables and errors."""

import pytest
from rich.console import Console

from cli.model_export import _show_int8, safetensors
from models.file_reading import read_json
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks import models_on_disk


def test_a_model_is_written_into_a_new_folder_and_its_files_are_listed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    models_on_disk.write(tmp_path / "model")
    safetensors("model", out=tmp_path / "out")
    printed = capsys.readouterr().out
    assert "model in " in printed
    for name in ("README.md", "model.json", "model.safetensors"):
        assert f"{(tmp_path / 'out' / name).stat().st_size:,}" in printed
    assert read_json(tmp_path / "out/model.json")["sample_rate"] == 16_000
    before = (tmp_path / "out/model.json").read_bytes()
    with pytest.raises(BreathlineError, match="holds files already") as error:
        safetensors("model", out=tmp_path / "out")
    assert "--out" in str(error.value.hint)
    assert (tmp_path / "out/model.json").read_bytes() == before


def test_the_cost_of_8_bits_fits_a_terminal_of_80_columns(capsys):
    def compared(reduced: float | None) -> dict:
        figures = {name: {"float32": 46.74, "int8": reduced} for name in ("score_strict", "score_lenient")}
        return {"cycles": 456, "changed_decisions": 0.011, "largest_difference": 0.03, **figures}

    tried = {
        name: {"bytes": 1_839_249, "milliseconds": 7.5, **compared(score)}
        for name, score in (("weights", 46.7), ("dynamic", 45.0), ("static", None))
    }
    found = {
        "file": "model.onnx",
        "own_split": False,
        "method": "weights",
        "bytes": {"float32": 343_956_602, "int8": 1_839_249},
        "milliseconds": {"float32": 3_240.0, "int8": 7.5},
        "tried": tried,
        "validation": compared(46.7),
        "test": compared(46.6),
    }
    _show_int8(found, Console(width=80, emoji=False, highlight=False))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    [strict] = [line.split() for line in lines if line.startswith("strict Score, test")]
    assert strict[3:] == ["46.74", "46.60", "–", "–"]
    [strict] = [line.split() for line in lines if line.startswith("strict Score, validation")]
    assert strict[3:] == ["46.74", "46.70", "45.00", "–"]
    assert "* kept as model.onnx. Measured on 456 validation and 456 test cycles." in lines
    assert "some of these cycles are training cycles" in " ".join(lines[-4:])
    _show_int8(found | {"own_split": True}, Console(width=80, emoji=False, highlight=False))
    assert "training cycles" not in capsys.readouterr().out
