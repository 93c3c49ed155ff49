"""Predictions for recordings without a usable sound: a confident class, or times outside of the recording."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cli.predict import predict
from tasks.checks import usability
from tasks.corpora import extraction
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.prediction import predictor, use_entries
from tasks.prediction.facts import ModelFacts
from tasks.prediction.judgement import Judge
from tasks.prediction.predictor import Predictor
from tasks.prediction.project_limits import project_limits
from tasks.runtime.errors import BreathlineError
from tasks.serving import answers
from tests.unit.tasks import models_on_disk
from tests.unit.tasks.serving import tiny

RATE = 4000
BREATH = np.random.default_rng(0).normal(0, 0.05, 2 * RATE)


CARD = {"architecture": "ast", "frontend": "ast", "labels": "lungsound_4", "classes": ["normal", "crackle"]}


def speech() -> np.ndarray:
    """Return a sound with the pitch, formants and syllables of a voice."""
    time = np.arange(2 * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * number * time) / (1 + abs(number - 6)) for number in range(1, 16))
    return 0.1 * voice * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * time))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Predictor:
    return predictor.load(models_on_disk.write(tmp_path_factory.mktemp("model")), "toy")


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
    (row,) = model.predict(write(tmp_path / "a.wav", samples, subtype)).rows()
    assert row["predicted"] is None
    assert [row[f"p_{name}"] for name in model.facts.classes] == [None] * 4
    assert row["note"].startswith("not judged: ")
    assert reason in row["note"]


@pytest.mark.parametrize("samples", [BREATH, speech(), np.stack([BREATH, BREATH], axis=1)])
def test_a_recording_with_a_sound_gets_a_class(model, tmp_path, samples):
    found = model.predict(write(tmp_path / "a.wav", samples))
    assert {(one.decision, one.judgement.reasons, one.notes) for one in found.segments} == {("judged", (), ())}


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.sin(np.arange(2 * RATE) / 3) / 2, "wrong band: the sound ends at"),  # a tone of 212 Hz
        (0.6 + np.zeros(2 * RATE) + BREATH / 100, "a mean of 0.60 of full scale"),
        (np.sign(np.sin(np.arange(2 * RATE) / 3)), "of the samples are clipped"),
    ],
)
def test_a_part_without_a_usable_sound_gets_a_reason_and_the_rest_a_class(model, tmp_path, samples, reason):
    """A recording of an hour with one good minute is judged there, and nowhere else."""
    wav = write(tmp_path / "a.wav", np.concatenate([BREATH, BREATH, samples, BREATH, BREATH]))
    found = model.predict(wav)
    bad = found.segments[4:6]
    assert {one.decision for one in bad} == {"not_judged"}
    assert all(reason in one.judgement.reasons[0] for one in bad)
    assert {one.decision for one in (*found.segments[:4], *found.segments[6:])} == {"judged"}


@pytest.mark.parametrize("samples", [np.sin(2 * np.pi * 440 * np.arange(8 * RATE) / RATE) / 2, np.tile(BREATH * 4, 4)])
def test_a_tone_or_noise_with_a_class_is_open_and_not_abnormal(tmp_path, samples):
    """A tone of 440 Hz was "100 % abnormal", although each of its segments was unlike the training cycles."""
    found = predictor.load(tiny.write(tmp_path / "export"), "export").predict(write(tmp_path / "a.wav", samples))
    summary = found.summary
    assert (summary.decisions, summary.predicted) == ({"unlike": 8}, {"crackle": 8})
    assert (summary.open, summary.abnormal, summary.normal) == (8, 0, 0)
    assert (summary.abnormal_share, summary.longest_abnormal_s) == (None, 0.0)
    assert answers.summary(found).startswith("No segment has a clear result. 8 segments are open")
    assert use_entries.of_prediction(found, file_sha256="0" * 64).abnormal_share is None


def test_a_night_is_judged_where_it_has_a_sound(tmp_path):
    judge = Judge(ModelFacts.from_card(CARD))
    measures = {"duration_s": 28_800.0, "peak": 0.5, "mix_loss_db": 0.0, "clipped_fraction": 0.0, "dc_offset": 0.0}
    measures |= {"longest_constant_s": 600.0, "silent_fraction": 0.95}
    assert judge.recording(measures, 4000) == ()
    assert len(judge.recording(measures | {"duration_s": 600.0}, 4000)) == 2
    assert judge.recording(measures | {"dc_offset": 0.9}, 4000) != ()


def test_extract_measures_the_mean_of_the_channels(tmp_path):
    """`validate` compares it with the limits; inverted stereo passed, because each channel alone has a sound."""
    wav = write(tmp_path / "101_1b1_Al_sc_Meditron.wav", np.stack([BREATH, -BREATH], axis=1))
    wav.with_suffix(".txt").write_text("0\t1\t0\t0\n")
    facts = extraction.extract(wav, CORPUS, [16_000]).facts
    assert (facts["silent_fraction"], facts["mix_loss_db"]) == (0, 200)
    assert usability.unusable(facts)[0].startswith("the channels cancel each other")


def test_the_limits_are_those_of_the_model_or_else_of_the_project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert project_limits() is None
    card = models_on_disk.write(tmp_path / "model") / "model.json"
    write(tmp_path / "a.wav", BREATH)
    keys = "\n".join(f"    {key}: {value}" for key, value in vars(usability.DEFAULTS).items() if key != "max_peak")
    (tmp_path / "params.yaml").write_text(f"validate:\n  unusable:\n{keys}\n    max_peak: 0.001\n")
    predict(["a.wav"], model="model")
    assert "samples up to" in capsys.readouterr().out
    own = {"quality_limits": vars(usability.DEFAULTS)}
    card.write_text(json.dumps(json.loads(card.read_text()) | own))
    predict(["a.wav"], model="model")
    assert "samples up to" not in capsys.readouterr().out


def test_times_beyond_the_recording_are_cut_with_a_note(model, tmp_path):
    wav = write(tmp_path / "a.wav", BREATH)
    wav.with_suffix(".txt").write_text("-1\t0.9\t0\t0\n0.9\t60\t0\t1\n")
    first, second = model.predict(wav).rows()
    assert (first["start_s"], first["end_s"], second["start_s"], second["end_s"]) == (0, 0.9, 0.9, 2)
    assert first["note"] == "annotated from -1 to 0.9 s, cut at the ends of the recording"
    assert second["note"] == "annotated from 0.9 to 60 s, cut at the ends of the recording"
    wav.with_suffix(".txt").write_text("0\t0.9\t0\t0\n10\t60\t0\t1\n")
    with pytest.raises(
        BreathlineError, match=r"a_001 \(10 to 60 s\) has no samples: the recording lasts 2 s(.|\n)*a\.txt:2\n"
    ):
        model.predict(wav)


def test_one_bad_recording_costs_no_other(tmp_path, monkeypatch, capsys):
    """A foreign text file names its line and the way out; reasons and notes are printed below the table."""
    monkeypatch.chdir(tmp_path)
    models_on_disk.write(tmp_path / "model")
    for name in ("foreign", "good"):
        write(tmp_path / f"{name}.wav", BREATH)
    write(tmp_path / "silent.wav", np.zeros(RATE))
    (tmp_path / "foreign.txt").write_text("Diary of the ward\n")
    with pytest.raises(BreathlineError, match=r"1 of 3 recordings(.|\n)*foreign\.txt:1.*move or rename foreign\.txt"):
        predict(["foreign.wav", "good.wav", "silent.wav"], model="model", out=[Path("out.csv")])
    printed = " ".join(capsys.readouterr().out.split())
    assert "silent.wav: not judged: 100% silence, or constant values" in printed
    assert "3 segments of 2 recordings: 2 judged, 1 not judged." in printed
    with Path("out.csv").open(encoding="utf-8") as file:
        assert [row["recording"] for row in csv.DictReader(file)] == ["good", "good", "silent"]
