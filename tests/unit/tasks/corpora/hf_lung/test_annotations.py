"""Annotations of HF_Lung: overlapping intervals, sounds of a breath, labels, and damaged lines with their place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.corpora.hf_lung import annotations, labels, names
from tasks.corpora.hf_lung.annotations import Interval
from tasks.prediction.excerpts import excerpts
from tasks.runtime.errors import BreathlineError

TIMES = st.integers(0, 150).map(lambda tenths: tenths / 10)


def write(folder: Path, text: str) -> Path:
    path = folder / "steth_20190821_12_00_25_label.txt"
    path.write_bytes(text.encode())
    return path


def interval(token: str, start: float, end: float) -> Interval:
    return Interval(token=token, start_s=start, end_s=end)


@pytest.mark.parametrize("separator", [" ", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_intervals_are_read_by_start(tmp_path, separator, end):
    lines = ["Wheeze 00:00:01.500 00:00:02.457", "I 00:00:00.250 00:01:02", "", "D 01:00:00.5 01:00:01"]
    found = annotations.read(write(tmp_path, end.join(lines).replace(" ", separator)))
    assert found == [interval("I", 0.25, 62.0), interval("Wheeze", 1.5, 2.457), interval("D", 3600.5, 3601.0)]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("C 00:00:01 00:00:02", "`C` is no token of HF_Lung"),
        ("I 1.0 00:00:02", "`1.0` is not a time"),
        ("I 00:00:61 00:00:02", "`00:00:61` is not a time"),
        ("I 00:00:01", "does not have the 3 columns"),
        ("I 00:00:nan 00:00:02", "`00:00:nan` is not a time"),
    ],
)
def test_a_damaged_line_is_refused_with_its_place(tmp_path, line, what):
    with pytest.raises(BreathlineError, match=what) as error:
        annotations.read(write(tmp_path, f"I 00:00:00 00:00:01\n{line}\n"))
    assert str(error.value.where).endswith("_label.txt:2")


def test_an_empty_file_has_no_breaths(tmp_path):
    assert annotations.breaths(annotations.read(write(tmp_path, ""))) == []


@pytest.mark.parametrize(
    ("sound", "inside"),
    [
        ((1.2, 1.4), True),
        ((1.2, 1.25), True),  # all of a short one
        ((1.95, 2.5), False),  # 0.05 s of a longer one
        ((1.9, 2.5), True),  # 0.1 s
        ((1.97, 2.03), False),  # half of a short one
        ((2.0, 2.5), False),
        ((1.5, 1.5), False),
        ((0.0, 9.0), True),
    ],
)
def test_a_sound_is_of_a_breath_if_a_tenth_of_a_second_lies_in_it(sound, inside):
    breath = interval("I", 1.0, 2.0)
    (found,) = annotations.breaths([breath, interval("D", *sound)])
    assert found.sounds == (("D",) if inside else ())
    assert annotations.outside([breath, interval("D", *sound)]) == int(not inside)


@given(st.lists(st.tuples(st.sampled_from([*annotations.PHASES, *annotations.SOUNDS]), TIMES, TIMES), max_size=12))
def test_each_sound_is_in_a_breath_or_counted_as_outside(rows):
    intervals = sorted(interval(*row) for row in rows)
    breaths = annotations.breaths(intervals)
    assert len(breaths) == sum(one.token in annotations.PHASES for one in intervals)
    heard = {sound for one in breaths for sound in one.sounds}
    known = {one.token for one in intervals if one.token in annotations.SOUNDS}
    assert heard <= known
    assert annotations.outside(intervals) >= len(known - heard)


@pytest.mark.parametrize(
    ("sounds", "default", "normal", "rhonchi"),
    [
        ((), None, 0, None),
        (("D",), 1, 1, 1),
        (("Wheeze",), 2, 2, 2),
        (("D", "Wheeze"), 3, 3, 3),
        (("Rhonchi",), None, None, 2),
        (("D", "Rhonchi"), 1, 1, 3),
        (("Stridor",), None, None, None),
    ],
)
def test_a_breath_without_a_sound_is_normal_only_by_name(sounds, default, normal, rhonchi):
    column = labels.column(sounds)
    assert labels.label("lungsound_4", column, unannotated=None) == default
    assert labels.label("lungsound_4", column, unannotated="normal") == normal
    assert labels.label("lungsound_4", column, unannotated=None, also_wheeze=["Rhonchi"]) == rhonchi
    abnormal = labels.label("lungsound_2", column, unannotated="normal")
    assert abnormal == (None if normal is None else int(normal > 0))


@pytest.mark.parametrize(
    ("name", "date", "location"),
    [
        ("steth_20190821_12_00_25", "2019-08-21", ""),
        ("trunc_2019-08-21-10-35-06-L1_1", "2019-08-21", "L1"),
        ("trunc_2019-08-21-10-35-06-L9_1", None, None),
        ("steth_2019_12_00_25", None, None),
        ("101_1b1_Al_sc_Meditron", None, None),
    ],
)
def test_names(name, date, location):
    if date is None:
        with pytest.raises(BreathlineError, match="not the name of an HF_Lung recording"):
            names.parse(name)
    else:
        parsed = names.parse(name)
        assert (parsed.patient_id, parsed.location) == (f"hf_lung-{date}", location)
        assert f"{parsed.series}_{parsed.take}" == name


def test_predict_finds_the_label_file_beside_a_recording(tmp_path):
    write(tmp_path, "I 00:00:01.000 00:00:02.000\nD 00:00:01.200 00:00:01.800\nE 00:00:02.000 00:00:03.500\n")
    found = excerpts(tmp_path / "steth_20190821_12_00_25.wav", 15.0, 2.5)
    assert [(part.start_s, part.end_s) for part in found] == [(1.0, 2.0), (2.0, 3.5)]
    assert found[1].cycle_id == "steth_20190821_12_00_25_001"
