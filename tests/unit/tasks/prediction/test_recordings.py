"""Predictions for recordings: which pieces, whatever the file's format, and what is refused."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

from models.decision_rules import DecisionRule
from models.frontends.registry import create
from models.heads import Head, Heads
from models.training.features import Features
from models.training.inference import predict
from models.training.normalization import CycleSources
from tasks.checks import usability
from tasks.corpora import extraction
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.features.arrays import compute
from tasks.prediction import device_means, recordings
from tasks.prediction.excerpts import Excerpt, excerpts
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks import models_on_disk

RATE = 8000


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> recordings.Model:
    return recordings.load(models_on_disk.write(tmp_path_factory.mktemp("model")), "toy")


def sound(seconds: float) -> np.ndarray:
    """Return samples that 16 bits hold exactly: noise that grows louder and a tone that rises."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.03, len(time)) * (1 + time)
    return np.round((noise + 0.2 * np.sin(2 * np.pi * (100 + 150 * time) * time)) * 2**15) / 2**15


def write(path: Path, seconds: float = 2.25) -> Path:
    soundfile.write(path, sound(seconds), RATE, subtype="PCM_16")
    return path


@pytest.mark.parametrize(
    ("seconds", "times"),
    [(6.0, [(0, 2.5), (2.5, 5), (3.5, 6)]), (5.0, [(0, 2.5), (2.5, 5)]), (2.5, [(0, 2.5)]), (1.0, [(0, 1)])],
)
def test_windows_cover_a_recording_without_an_annotation(tmp_path, seconds, times):
    parts = excerpts(tmp_path / "a.wav", seconds, 2.5)
    assert [(part.start_s, part.end_s) for part in parts] == times
    assert {part.cycle_id for part in parts} == {None}


def test_cycles_are_those_of_the_annotation_unless_it_names_none(tmp_path):
    (tmp_path / "a.txt").write_text("0.5\t1.25\t0\t1\n1.25\t3.0\t0\t0\n")
    parts = excerpts(tmp_path / "a.wav", 6.0, 2.5)
    assert parts == [Excerpt(0.5, 1.25, "a_000"), Excerpt(1.25, 3.0, "a_001")]
    (tmp_path / "a.txt").write_text("")
    assert len(windows := excerpts(tmp_path / "a.wav", 6.0, 2.5)) == 3
    assert {part.note for part in windows} == {"a.txt beside the recording has no cycles: windows are predicted"}
    (tmp_path / "a.txt").write_text("notes of the ward\n")
    with pytest.raises(BreathlineError, match=r"a\.txt beside the recording is no annotation(.|\n)*a\.txt:1\n.*rename"):
        excerpts(tmp_path / "a.wav", 6.0, 2.5)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.mkdir, "a folder"),
        (os.mkfifo, "no file"),
        (lambda path: path.symlink_to("missing"), "a link that leads nowhere"),
    ],
)
def test_an_annotation_that_is_no_file_is_named(tmp_path, make, kind):
    make(tmp_path / "a.txt")
    with pytest.raises(BreathlineError, match=rf"a\.txt beside the recording is {kind}(.|\n)*windows predicted"):
        excerpts(tmp_path / "a.wav", 6.0, 2.5)


def test_what_is_said_of_each_piece_does_not_depend_on_the_format_of_the_file(model, tmp_path):
    said = recordings.predict(model, write(tmp_path / "a.wav"))
    probabilities = np.column_stack([said[f"p_{name}"].to_numpy() for name in model.classes])
    assert probabilities.shape == (3, 4)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert np.ptp(probabilities, axis=0).max() > 0.01, "the pieces differ"
    assert said["predicted"].to_pylist() == [model.classes[index] for index in probabilities.argmax(axis=1)]
    threshold = float(np.sort(probabilities[:, 0])[1])
    ruled = replace(model, rule=DecisionRule(rule="threshold", threshold=threshold))
    others = [model.classes[1 + index] for index in probabilities[:, 1:].argmax(axis=1)]
    by_rule = ["normal" if row[0] >= threshold else other for row, other in zip(probabilities, others, strict=True)]
    assert recordings.predict(ruled, tmp_path / "a.wav")["predicted"].to_pylist() == by_rule
    assert by_rule.count("normal") == 2
    soundfile.write(tmp_path / "b.wav", np.column_stack([sound(2.25)] * 2), RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "c.flac", sound(2.25), RATE)
    for other in ("b.wav", "c.flac"):
        again = recordings.predict(model, tmp_path / other)
        assert again.drop_columns(["recording", "file"]).equals(said.drop_columns(["recording", "file"])), other


@pytest.mark.parametrize(("pad", "fade"), [("repeat", True), ("repeat", False), ("zero", False)])
def test_a_model_hears_recordings_as_it_learned_them(tmp_path, pad, fade):
    """Its card tells how clips were made; one without these keys is of a time when all were repeated and faded."""
    folder = models_on_disk.write(tmp_path / "model")
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | ({} if fade else {"pad": pad, "fade": fade})))
    wav = write(tmp_path / "101_1b1_Al_sc_Meditron.wav", 0.75)
    (tmp_path / "101_1b1_Al_sc_Meditron.txt").write_text("0.0\t0.5\t0\t0\n")
    _, heard = recordings.extract_features(recordings.load(folder, "toy"), wav)
    front_end = create("ast", models_on_disk.DURATION_S, pad=pad, fade=fade)
    (waveform,) = extraction.extract(wav, CORPUS, [16_000], () if fade else [16_000]).audio[16_000]
    assert torch.equal(heard, compute(front_end, [torch.from_numpy(waveform)]))


def test_a_card_of_an_older_time_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(BreathlineError, match=r"model\.json: the file is missing"):
        recordings.load(tmp_path, "toy")
    card = models_on_disk.write(tmp_path) / "model.json"
    kept = {key: value for key, value in json.loads(card.read_text()).items() if key != "duration_s"}
    card.write_text(json.dumps(kept))
    with pytest.raises(BreathlineError, match=r"has no `duration_s`(.|\n)*train it again"):
        recordings.load(tmp_path, "toy")


def test_folders_give_their_wav_files_each_once(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.wav", "sub/a.WAV", "notes.txt"):
        (tmp_path / name).touch()
    found = recordings.recordings([tmp_path / "sub" / "a.WAV", tmp_path])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["sub/a.WAV", "b.wav"]
    (tmp_path / "none").mkdir()
    for path, said in (("none", "no audio file"), ("c.wav", "no such file")):
        with pytest.raises(BreathlineError, match=said):
            recordings.recordings([tmp_path / path])


def normalised(folder: Path, kind: dict[str, str]) -> recordings.Model:
    """Return a model with a normalisation."""
    card = models_on_disk.write(folder) / "model.json"
    values = json.loads(card.read_text())
    mean = np.linspace(-0.5, 0.5, values["mels"])
    settings = {"level": "none", "spectrum": "none"} | kind
    card.write_text(json.dumps(values | {"normalization": settings | {"mean": mean.tolist()}}))
    return recordings.load(folder, "toy")


def annotated(folder: Path, name: str, seconds: float, gain: float) -> Path:
    wav = folder / f"{name}.wav"
    soundfile.write(wav, gain * sound(seconds), RATE, subtype="PCM_16")
    cycles = [f"{start}\t{start + 0.75}\t0\t0" for start in np.arange(0, seconds - 0.75, 0.75)]
    (folder / f"{name}.txt").write_text("\n".join(cycles) + "\n")
    return wav


KINDS = [{"level": "recording"}, {"spectrum": "recording"}, {"spectrum": "device_of_the_data"}]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_recording_is_predicted_with_the_normalisation_of_the_evaluation(tmp_path, kind):
    model = normalised(tmp_path / "model", kind)
    wavs = [
        annotated(tmp_path, "101_1b1_Al_sc_Meditron", 2.25, 1.0),
        annotated(tmp_path, "102_1b1_Al_sc_Meditron", 3, 0.1),
    ]
    (tmp_path / "silent.wav").write_bytes(b"no recording")
    offsets = device_means.offsets(model, [*wavs, tmp_path / "silent.wav"], usability.DEFAULTS)
    assert set(offsets) == (set(wavs) if kind == KINDS[2] else set())
    said = pa.concat_tables([recordings.predict(model, wav, usability.DEFAULTS, offsets.get(wav)) for wav in wavs])
    heard = [recordings.extract_features(model, wav) for wav in wavs]

    cache, cycles = tmp_path / "cache", [part.cycle_id for parts, _ in heard for part in parts]
    cache.mkdir()
    np.save(cache / "features.npy", torch.cat([features for _, features in heard]).numpy())
    pq.write_table(
        pa.table({"cycle_id": cycles, "row": np.arange(len(cycles), dtype=np.int32)}), cache / "index.parquet"
    )
    (cache / "statistics.json").write_text(json.dumps({"frontend": "ast", "duration_s": 1.0}))
    evaluated = Features(cache)
    own = [cycle.rpartition("_")[0] for cycle in cycles]
    evaluated.normalize(model.normalization, [CycleSources(cycles, own, ["icbhi/Meditron"] * len(cycles))])
    logits = predict(model.network, evaluated, evaluated.find(cycles), compute=model.compute)
    wanted = torch.from_numpy(logits).softmax(1).numpy()
    plain = Features(cache)
    unnormalised = predict(model.network, plain, plain.find(cycles), compute=model.compute)
    assert np.abs(logits - unnormalised).max() > 0.01
    found = np.column_stack([said[f"p_{name}"].to_numpy() for name in model.classes])
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_model_normalised_by_device_needs_several_recordings(tmp_path):
    model = normalised(tmp_path / "model", {"spectrum": "device_of_the_data"})
    wav = write(tmp_path / "a.wav")
    said = (
        r"device_of_the_data(.|\n)*several recordings(.|\n)*1 is usable(.|\n)*folder of recordings of this one device"
    )
    with pytest.raises(BreathlineError, match=said):
        recordings.predict(model, wav)
    with pytest.raises(BreathlineError, match=said):
        device_means.offsets(model, [wav, tmp_path / "missing.wav"], usability.DEFAULTS)


def test_a_model_with_a_head_for_each_corpus_predicts_the_mean_of_the_heads(tmp_path):
    shared = Head(labels="lungsound_4", classes=("normal", "crackle", "wheeze", "both"), shared=(0, 1, 2, 3))
    own = Head(labels="events", classes=("normal", "stridor", "crackle"), shared=(0, None, 1))
    heads = Heads({"a": shared, "b": own})
    model = recordings.load(models_on_disk.write(tmp_path / "model", heads), "toy")
    wav = write(tmp_path / "a.wav")
    _, found = recordings.extract_features(model, wav)
    with torch.inference_mode():
        logits = model.network(found.float()).numpy()
    assert logits.shape[1] == 7
    wanted = np.mean([np.exp(heads.shared(logits, [name] * len(logits), 4)) for name in "ab"], axis=0)
    rows = recordings.predict(model, wav)
    made = np.stack([rows[f"p_{name}"].to_numpy() for name in model.classes], axis=1)
    assert made == pytest.approx(wanted, abs=1e-5)
    assert made.sum(axis=1) == pytest.approx(1, abs=1e-5)
