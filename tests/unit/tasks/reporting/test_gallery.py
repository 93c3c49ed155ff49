"""Cycles that the report shows: their choice, their pictures and their sounds."""

import base64
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from PIL import Image

from tasks.evaluation import notable_cycles
from tasks.reporting import media, page
from tasks.reporting.sections import domains, gallery, maps
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.evaluation.example import cycles
from tests.unit.tasks.reporting import example, explained


def chosen(labels, probabilities, devices):
    probabilities = np.array(probabilities, dtype=np.float32)
    return dict(notable_cycles.select(np.array(labels), probabilities.argmax(axis=1), probabilities, devices))


def test_errors_doubtful_and_clear_cycles_are_shown_once_each(monkeypatch):
    monkeypatch.setattr(notable_cycles, "UNCERTAIN", 2)
    probabilities = [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4], [0.48, 0.52], [0.05, 0.95], [0.99, 0.01]]
    found = chosen([0, 0, 0, 0, 1, 1, 0], probabilities, ["one", "one", "two", "one", "one", "one", "one"])
    assert list(found.values()) == [[0, 1], [4, 3], [2], [6, 5]]


def test_the_frozen_decision_counts_and_not_the_largest_probability():
    labels, probabilities = np.array([0, 1]), np.array([[0.4, 0.6], [0.4, 0.6]], dtype=np.float32)
    groups = dict(notable_cycles.select(labels, np.array([0, 1]), probabilities, ["one", "one"]))
    assert groups["Most confident errors of each class"] == []


@pytest.mark.parametrize("rate", [4000, 8000, 44100])
def test_a_sound_keeps_its_pitch_and_has_one_level(rate):
    tone = 0.01 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    url = media.audio(tone.astype(np.float32), rate)
    samples, played = soundfile.read(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    middle = samples[played // 2 : played // 2 + played]
    assert np.abs(np.fft.rfft(middle)).argmax() == pytest.approx(440, abs=2)
    assert np.abs(middle).max() == pytest.approx(media.PEAK, abs=0.1)
    assert url == media.audio(tone.astype(np.float32), rate)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a run with maps."""
    example.write(root := tmp_path_factory.mktemp("run"), explained.figures())
    explained.write_maps(root / "data/explanation/maps.parquet", cycles()["cycle_id"].to_list()[:4])
    return root


def test_a_cycle_has_the_map_of_the_first_student(tmp_path):
    example.write(tmp_path)
    run = example.results(tmp_path)
    assert not gallery.content(run)["marked"]
    explained.write_maps(tmp_path / "data/explanation/maps.parquet", run.cycles["cycle_id"].to_list())
    shown = gallery.content(run)
    assert shown["marked"]
    for _, examples in shown["groups"]:
        assert all(one.marks == examples[0].marks and one.marks.target == "wheeze" for one in examples)
    picture = Image.open(io.BytesIO(base64.b64decode(examples[0].marks.image.partition(",")[2])))
    assert picture.size == (explained.ROWS, explained.COLUMNS)  # time from left to right
    opacity = np.array(picture)[..., 3]
    assert opacity[0, -1] == opacity.max() == int(255 * media.OPAQUE)  # the last time and the highest band
    assert opacity[-1, 0] == 0


def test_the_short_last_cell_of_a_map_is_cut_off_where_its_spectrogram_ends(tmp_path):
    example.write(tmp_path)
    run, path = example.results(tmp_path), tmp_path / "data/explanation/maps.parquet"
    explained.write_maps(path, run.cycles["cycle_id"].to_list())
    seconds = pl.lit([0.05, 0.15, 0.25, 0.305], pl.List(pl.Float32))  # the last of four cells has one frame of ten
    pl.read_parquet(path).with_columns(seconds=seconds).write_parquet(path)
    html = page._body("gallery", gallery.SECTION, run)
    assert set(re.findall(r'style="([^"]*)"\s*alt="parts on which', html)) == {"width:129.03%"}  # 0.40 s of 0.31 s


def test_of_methods_with_equally_many_maps_the_first_is_shown(tmp_path):
    """The order is that in which methods are listed, and not that of their names."""
    example.write(tmp_path)
    run, path = example.results(tmp_path), tmp_path / "data/explanation/maps.parquet"
    explained.write_maps(path, run.cycles["cycle_id"].to_list())
    rows = pl.read_parquet(path).filter(pl.col("cycle_id") != run.cycles["cycle_id"][-1])
    named = pl.when(pl.col("method") == "layer_cam").then(pl.lit("a")).otherwise(pl.lit("b"))
    rows.with_columns(target=named).write_parquet(path)
    assert {marks.target for marks in gallery._marks(run, "student/1").values()} == {"a"}


def remove_array(cache: Path) -> None:
    (cache / "features.npy").unlink()


def rename_cycles(cache: Path) -> None:
    index = pl.read_parquet(cache / "index.parquet")
    index.with_columns(cycle_id=pl.lit("x") + pl.col("cycle_id")).write_parquet(cache / "index.parquet")


@pytest.mark.parametrize(
    ("section", "cache", "damage"),
    [
        (gallery, "data/fbank/efficientat/demo", rename_cycles),
        (maps, "data/fbank/efficientat/demo", remove_array),
        (domains, "data/fbank/efficientat/demo", rename_cycles),
        (domains, "data/external/tested/theirs/fbank/efficientat", remove_array),
    ],
    ids=["gallery", "maps", "domains", "external domains"],
)
def test_a_damaged_feature_cache_is_no_defect(finished, tmp_path, section, cache, damage):
    root = shutil.copytree(finished, tmp_path / "project")
    run = example.results(root)
    run = replace(run, metrics=run.metrics | {"external": {"theirs": {}}})
    damage(root / cache)
    with pytest.raises(BreathlineError, match=r"file is missing|has no features of 1 cycles") as caught:
        section.content(run)
    assert "makes" in caught.value.hint


def test_the_student_of_the_gallery_is_the_one_with_maps(tmp_path):
    """`metrics.json` has its keys in the order of texts, in which 10 comes before 2."""
    example.write(tmp_path)
    run = example.results(tmp_path)
    card = run.cards["student/1"]
    assert replace(run, cards={"student/10": card, "student/2": card}).first_student == "student/2"


def test_silence_is_a_sound_too():
    assert media.audio(np.zeros(4000, np.float32), 4000).startswith("data:audio/mpeg;base64,")


def test_sounds_end_where_the_page_has_enough(tmp_path, monkeypatch):
    example.write(tmp_path)
    run = example.results(tmp_path)
    shown = [one for _, examples in gallery.content(run)["groups"] for one in examples]
    assert len(shown) > 8
    assert all(one.audio for one in shown)
    assert {one.span for one in shown} == {(0.0, 2.5 / 8)}
    size = sum(len(one.audio) for one in shown[:2])
    monkeypatch.setattr(gallery, "AUDIO_BYTES", size)
    fewer = [one.audio for _, examples in gallery.content(run)["groups"] for one in examples if one.audio]
    assert sum(map(len, fewer)) <= size
    assert 2 <= len(fewer) < len(shown)
