"""Predictions for recordings: which pieces, whatever the file's format, and what is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.decision_rules import DecisionRule
from models.frontends.registry import create_array
from models.heads import Head, Heads
from tasks.corpora import extraction
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.features.arrays import compute
from tasks.prediction import predictor
from tasks.prediction.excerpts import Excerpt, Windows, excerpts
from tasks.prediction.illustrations import Illustrator
from tasks.prediction.passes import Options
from tasks.prediction.predictor import Predictor
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks import models_on_disk
from tests.unit.tasks.prediction import onnx_model
from tests.unit.tasks.prediction.recorded import RATE, sound, write


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Predictor:
    return predictor.load(models_on_disk.write(tmp_path_factory.mktemp("model")), "toy")


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


def probabilities(found) -> np.ndarray:
    return np.array([one.judgement.probabilities for one in found.segments])


def predicted(found) -> list[str]:
    return [one.predicted for one in found.segments]


def test_what_is_said_of_each_piece_does_not_depend_on_the_format_of_the_file(model, tmp_path):
    said = model.predict(write(tmp_path / "a.wav"))
    found = probabilities(said)
    assert found.shape == (3, 4)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert np.ptp(found, axis=0).max() > 0.01, "the pieces differ"
    assert predicted(said) == [model.facts.classes[index] for index in found.argmax(axis=1)]
    soundfile.write(tmp_path / "b.wav", np.column_stack([sound(2.25)] * 2), RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "c.flac", sound(2.25), RATE)
    for other in (tmp_path / "b.wav", tmp_path / "c.flac", predictor.array(sound(2.25), RATE)):
        assert np.array_equal(probabilities(model.predict(other)), found), other
    whole = predictor.array((sound(2.25) * 2**15).astype(np.int16), RATE)
    assert np.array_equal(probabilities(model.predict(whole)), found)


def test_the_decision_rule_of_the_card_is_followed(tmp_path):
    folder = models_on_disk.write(tmp_path / "model")
    wav = write(tmp_path / "a.wav")
    found = probabilities(predictor.load(folder, "toy").predict(wav))
    threshold = float(np.sort(found[:, 0])[1])
    card = json.loads((folder / "model.json").read_text())
    rules = {"val": DecisionRule(rule="threshold", threshold=threshold).card()}
    (folder / "model.json").write_text(json.dumps(card | {"decision_rules": rules}))
    others = [card["classes"][1 + index] for index in found[:, 1:].argmax(axis=1)]
    by_rule = ["normal" if row[0] >= threshold else other for row, other in zip(found, others, strict=True)]
    assert predicted(predictor.load(folder, "toy").predict(wav)) == by_rule
    assert by_rule.count("normal") == 2


def heard(model: Predictor, wav: Path) -> list[np.ndarray]:
    """Return the waveforms that the engine is given."""
    waveforms: list[np.ndarray] = []

    def run(some, offsets=None):
        waveforms.extend(some)
        return model.engine.run(some, offsets)

    model.predict(wav, run=run)
    return waveforms


@pytest.mark.parametrize(("pad", "fade"), [("repeat", True), ("repeat", False), ("zero", False)])
def test_a_model_hears_recordings_as_it_learned_them(tmp_path, pad, fade):
    """Its card tells how clips were made; one without these keys is of a time when all were repeated and faded."""
    folder = models_on_disk.write(tmp_path / "model")
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | ({} if fade else {"pad": pad, "fade": fade})))
    wav = write(tmp_path / "101_1b1_Al_sc_Meditron.wav", 0.75)
    (tmp_path / "101_1b1_Al_sc_Meditron.txt").write_text("0.0\t0.5\t0\t0\n")
    model = predictor.load(folder, "toy")
    (waveform,) = heard(model, wav)
    (wanted,) = extraction.extract(wav, CORPUS, [16_000], () if fade else [16_000]).audio[16_000]
    assert np.array_equal(waveform, wanted)
    front_end = create_array("ast", models_on_disk.DURATION_S, pad=pad, fade=fade)
    features = torch.from_numpy(compute(front_end, [wanted])[0]).float()
    with torch.inference_mode():
        logits = model.engine.network.network(features)
    assert probabilities(model.predict(wav)) == pytest.approx(logits.softmax(1).numpy(), abs=1e-5)


def test_a_card_of_an_older_time_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(BreathlineError, match=r"the file is missing(.|\n)*model\.json"):
        predictor.load(tmp_path, "toy")
    card = models_on_disk.write(tmp_path) / "model.json"
    kept = {key: value for key, value in json.loads(card.read_text()).items() if key != "duration_s"}
    card.write_text(json.dumps(kept))
    with pytest.raises(BreathlineError, match=r"has no `duration_s`(.|\n)*train it again"):
        predictor.load(tmp_path, "toy")


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0.5", [(0, 0.5), (0.5, 1), (1, 1.5), (1.5, 2), (1.75, 2.25)]),
        ("1,0.5", [(0, 1), (0.5, 1.5), (1, 2), (1.25, 2.25)]),
        ("1,75%", [(0, 1), (0.25, 1.25), (0.5, 1.5), (0.75, 1.75), (1, 2), (1.25, 2.25)]),
    ],
)
def test_windows_are_taken_in_place_of_the_annotation(model, tmp_path, text, times):
    (tmp_path / "a.txt").write_text("0.5\t1.25\t0\t1\n")
    found = model.predict(write(tmp_path / "a.wav"), Options(windows=Windows.parse(text)))
    assert [(one.start_s, one.end_s) for one in found.segments] == times


@pytest.mark.parametrize("text", ["", "0", "-1", "1,0", "1,100%", "1,-5", "nan", "1,2,3", "1;2", "inf"])
def test_a_text_that_is_no_window_is_refused_with_an_example(text):
    with pytest.raises(BreathlineError, match=r"describes no windows(.|\n)*such as"):
        Windows.parse(text)


def test_windows_longer_than_a_clip_and_too_many_are_refused(model, tmp_path):
    wav = write(tmp_path / "a.wav")
    with pytest.raises(BreathlineError, match=r"1\.5 s are longer than what the model hears at once, 1 s"):
        model.predict(wav, Options(windows=Windows(1.5, 1)))
    with pytest.raises(BreathlineError, match=r"12,500,001 windows(.|\n)*larger hop"):
        model.predict(wav, Options(windows=Windows(1, 1e-7)))
    with pytest.raises(BreathlineError, match=r"lasts 2 s; up to 2 s are predicted"):
        model.predict(wav, Options(max_seconds=2))


def test_a_whole_recording_has_the_mean_of_its_usable_windows(model, tmp_path):
    wav = write(tmp_path / "a.wav")
    samples, _ = soundfile.read(wav)
    samples[RATE : 2 * RATE] = 0
    soundfile.write(wav, samples, RATE)
    windows = model.predict(wav)
    assert [one.decision for one in windows.segments] == ["judged", "not_judged", "judged"]
    (whole,) = model.predict(wav, Options(whole=True)).segments
    assert (whole.start_s, whole.end_s, whole.notes) == (0, 2.25, ("1 of 3 windows are not judged",))
    of_usable = [one.judgement.probabilities for one in windows.segments if one.predicted]
    assert whole.judgement.probabilities == pytest.approx(np.mean(of_usable, axis=0))
    soundfile.write(wav, sound(2), RATE)
    (whole,) = model.predict(wav, Options(whole=True)).segments
    assert whole.judgement.probabilities == pytest.approx(probabilities(model.predict(wav)).mean(axis=0))
    assert whole.notes == ()


def test_the_channel_that_is_heard_is_told(model, tmp_path):
    wav = tmp_path / "a.wav"
    soundfile.write(wav, np.stack([sound(1), 0.1 * sound(1)[::-1]], axis=1), RATE)
    found = {choice: model.predict(wav, Options(channel=choice)) for choice in ("mean", "best", 1)}
    assert [one.channel for one in found.values()] == [None, 0, 1]
    assert [one.notes for one in found.values()] == [
        (),
        ("channel 0 is heard, of 2 counted from 0",),
        ("channel 1 is heard, of 2 counted from 0",),
    ]
    assert len({one.segments[0].judgement.probabilities for one in found.values()}) == 3


def test_embeddings_are_those_of_the_usable_segments(model, tmp_path):
    parts, embeddings = model.embed(write(tmp_path / "a.wav"))
    assert [part.start_s for part in parts] == [0, 1, 1.25]
    assert embeddings.shape == (3, model.engine.network.network.num_features)
    assert np.ptp(embeddings, axis=0).max() > 0.01
    parts, embeddings = model.embed(predictor.array(np.zeros(RATE), RATE))
    assert (parts, embeddings.shape) == ([], (0, 0))


def test_a_model_with_a_head_for_each_corpus_predicts_the_mean_of_the_heads(tmp_path):
    shared = Head(labels="lungsound_4", classes=("normal", "crackle", "wheeze", "both"), shared=(0, 1, 2, 3))
    own = Head(labels="events", classes=("normal", "stridor", "crackle"), shared=(0, None, 1))
    heads = Heads({"a": shared, "b": own})
    model = predictor.load(models_on_disk.write(tmp_path / "model", heads), "toy")
    wav = write(tmp_path / "a.wav")
    front_end = create_array("ast", models_on_disk.DURATION_S)
    with torch.inference_mode():
        features = torch.from_numpy(compute(front_end, heard(model, wav))[0])
        logits = model.engine.network.network(features.float()).numpy()
    assert logits.shape[1] == 7
    wanted = np.mean([np.exp(heads.shared(logits, [name] * len(logits), 4)) for name in "ab"], axis=0)
    made = probabilities(model.predict(wav))
    assert made == pytest.approx(wanted, abs=1e-5)
    assert made.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_sounds_belong_to_their_segments_behind_one_without_finite_probabilities(tmp_path):
    loaded = predictor.load(onnx_model.write(tmp_path / "export"), "export")
    shown = Illustrator(loaded)
    run = loaded.engine.run

    def first_is_not_finite(waveforms, offsets=None):
        outputs = run(waveforms, offsets)
        outputs.probabilities[0] = np.nan
        return outputs

    loaded.engine.run = first_is_not_finite
    rising = np.repeat([0.01, 0.02, 0.03], RATE) * np.tile([1.0, -1.0, 0.5, 0.5], 3 * RATE // 4)
    found = loaded.predict(predictor.array(rising, RATE), run=shown.run)
    shown.take(found)
    assert [one.decision for one in found.segments] == ["not_judged", "judged", "judged"]
    (illustrations,) = shown.by_recording
    assert [one.segment.start_s for one in illustrations] == [1.0, 2.0]
    levels = [np.abs(one.waveform).mean() for one in illustrations]
    assert levels[1] / levels[0] == pytest.approx(1.5, rel=0.1)
