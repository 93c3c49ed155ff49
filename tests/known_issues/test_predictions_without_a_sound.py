"""Predictions for recordings without a usable sound: a confident class, or times outside of the recording."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from cli.predict import predict
from tasks.checks import usability
from tasks.corpora import extraction
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.prediction import recordings
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks import models_on_disk

RATE = 4000
BREATH = np.random.default_rng(0).normal(0, 0.05, 2 * RATE)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> recordings.Model:
    return recordings.load(models_on_disk.write(tmp_path_factory.mktemp("model")), "toy")


def write(path: Path, samples: np.ndarray, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, RATE, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("samples", "subtype", "reason"),
    [
        (np.zeros(RATE), "PCM_16", "100% silence"),
        (np.full(RATE, 0.25), "PCM_16", "100% silence, or constant values"),
        (BREATH[:1], "PCM_16", "0.00025 s long, shorter than 0.1 s"),
        (np.stack([BREATH, -BREATH], axis=1), "PCM_16", "the channels cancel each other"),
        (BREATH * 32768, "FLOAT", "floats at the scale of integers"),
    ],
)
def test_a_recording_without_a_usable_sound_gets_a_reason_instead_of_a_class(model, tmp_path, samples, subtype, reason):
    (row,) = recordings.predict(model, write(tmp_path / "a.wav", samples, subtype)).to_pylist()
    assert row["predicted"] is None
    assert [row[f"p_{name}"] for name in model.classes] == [None] * 4
    assert row["note"].startswith("not judged: ")
    assert reason in row["note"]


@pytest.mark.parametrize("samples", [BREATH, np.sin(np.arange(RATE) / 10) / 2, np.stack([BREATH, BREATH], axis=1)])
def test_a_recording_with_a_sound_gets_a_class(model, tmp_path, samples):
    table = recordings.predict(model, write(tmp_path / "a.wav", samples))
    assert table["predicted"].null_count == 0
    assert table["note"].null_count == table.num_rows


def test_extract_measures_the_mean_of_the_channels(tmp_path):
    """`validate` compares it with the limits; inverted stereo passed, because each channel alone has a sound."""
    wav = write(tmp_path / "101_1b1_Al_sc_Meditron.wav", np.stack([BREATH, -BREATH], axis=1))
    wav.with_suffix(".txt").write_text("0\t1\t0\t0\n")
    facts = extraction.extract(wav, CORPUS, [16_000]).facts
    assert (facts["silent_fraction"], facts["mix_loss_db"]) == (0, 200)
    assert usability.unusable(facts)[0].startswith("the channels cancel each other")


def test_the_limits_are_those_of_the_project(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    strict = recordings.limits()
    keys = "\n".join(f"    {key}: {value}" for key, value in vars(strict).items() if key != "max_peak")
    (tmp_path / "params.yaml").write_text(f"validate:\n  unusable:\n{keys}\n    max_peak: 0.001\n")
    assert recordings.limits().max_peak == 0.001
    (row,) = recordings.predict(model, write(tmp_path / "a.wav", BREATH), recordings.limits()).to_pylist()
    assert row["note"].startswith("not judged: ")


def test_times_beyond_the_recording_are_cut_with_a_note(model, tmp_path):
    wav = write(tmp_path / "a.wav", BREATH)
    wav.with_suffix(".txt").write_text("-1\t0.9\t0\t0\n0.9\t60\t0\t1\n")
    first, second = recordings.predict(model, wav).to_pylist()
    assert (first["start_s"], first["end_s"], second["start_s"], second["end_s"]) == (0, 0.9, 0.9, 2)
    assert first["note"] == "annotated from -1 to 0.9 s, cut at the ends of the recording"
    assert second["note"] == "annotated from 0.9 to 60 s, cut at the ends of the recording"
    wav.with_suffix(".txt").write_text("0\t0.9\t0\t0\n10\t60\t0\t1\n")
    with pytest.raises(
        BreathlineError, match=r"a_001 \(10 to 60 s\) has no samples: the recording lasts 2 s(.|\n)*a\.txt"
    ):
        recordings.predict(model, wav)


def test_one_bad_recording_costs_no_other(tmp_path, monkeypatch, capsys):
    """A foreign text file names its line and the way out; reasons and notes are printed below the table."""
    monkeypatch.chdir(tmp_path)
    models_on_disk.write(tmp_path / "model")
    for name in ("foreign", "good"):
        write(tmp_path / f"{name}.wav", BREATH)
    write(tmp_path / "silent.wav", np.zeros(RATE))
    (tmp_path / "foreign.txt").write_text("Diary of the ward\n")
    with pytest.raises(BreathlineError, match=r"1 of 3 recordings(.|\n)*foreign\.txt:1.*move or rename foreign\.txt"):
        predict([Path("foreign.wav"), Path("good.wav"), Path("silent.wav")], model="model", out=Path("out.csv"))
    printed = " ".join(capsys.readouterr().out.split())
    assert "silent.wav: not judged: 100% silence, or constant values" in printed
    assert "2 windows and 1 recordings that are not judged of 2 recordings" in printed
    rows = Path("out.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[1] for row in rows[1:]] == ['"good"', '"good"', '"silent"']
