"""Annotations of SPRSound: times as texts and numbers in any order, and damaged files refused with their place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.corpora import text_files
from tasks.corpora.sprsound import annotations, labels, names
from tasks.runtime.errors import BreathlineError

TIMES = st.integers(0, 100_000)


def write(folder: Path, content: object) -> Path:
    path = folder / "65101170_0.4_1_p3_3246.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@given(
    events=st.lists(st.tuples(TIMES, TIMES, st.sampled_from(labels.EVENTS))),
    record=st.none() | st.tuples(st.sampled_from(annotations.RECORD_KEYS), st.sampled_from(list(labels.RECORDS))),
    form=st.sampled_from([int, str, float, lambda value: f" {value}.0 "]),
)
def test_any_order_and_form_of_times_reads_as_the_events_by_start(tmp_path, events, record, form):
    listed = [{"start": form(start), "end": form(end), "type": kind} for start, end, kind in events]
    found = annotations.read(write(tmp_path, {"event_annotation": listed} | dict([record] if record else [])))
    assert found.record == (record and record[1])
    wanted = sorted((start / 1000, end / 1000, kind) for start, end, kind in events)
    assert [(one.start_s, one.end_s, one.type) for one in found.events] == wanted


def changed(**event: object) -> dict:
    good = {"start": "0", "end": "500", "type": "Normal"}
    return {"record_annotation": "Normal", "event_annotation": [good, good | event]}


@pytest.mark.parametrize(
    ("content", "what", "place"),
    [
        (b'{"record_annotation": "Normal",\n "event_annotation": [', "not JSON", ".json:2"),
        (b"\xff\xfe\xff", "not a text file", ""),
        (b"", "not JSON", ".json:1"),
        (b"[" * 100_000, "not JSON", ""),
        (b'{"event_annotation": [], "event_annotation": []}', "given twice", ""),
        (b'{"event_annotation": NaN}', "NaN", ""),
        (b'{"event_annotation": ' + b"9" * 5000 + b"}", "not JSON", ""),
        ([], "not a JSON object", ""),
        ({"record_annotation": "Normal"}, "no `event_annotation`", ""),
        ({"event_annotation": {}}, "`{}` is not a list", "event_annotation"),
        ({"event_annotation": [1]}, "`1` is not an event", "event_annotation[0]"),
        ({"event_annotation": [{"type": "Normal"}]}, "no start, end", "event_annotation[0]"),
        ({"event_annotation": [], "record_annotation": "Bad"}, "`Bad` is no label", "record_annotation"),
        (
            {"event_annotation": [], "record_annotation": "DAS", "recording_annotation": "CAS"},
            "disagree (CAS, DAS)",
            "",
        ),
        (changed(type="Snore"), "`Snore` is no type", "event_annotation[1].type"),
        (changed(type=["Normal"]), "is no type", "event_annotation[1].type"),
        (changed(start="soon"), "`soon` is not a time", "event_annotation[1].start"),
        (changed(start="١"), "is not a time", "event_annotation[1].start"),
        (changed(end=True), "`true` is not a time", "event_annotation[1].end"),
        (changed(end=None), "`null` is not a time", "event_annotation[1].end"),
        (changed(end=10**400), "is not a time", "event_annotation[1].end"),
        (changed(end=1e300), "is not a time", "event_annotation[1].end"),
        (changed(end="1e3"), "is not a time", "event_annotation[1].end"),
    ],
)
def test_a_damaged_annotation_is_refused_with_file_and_place(tmp_path, content, what, place):
    path = write(tmp_path, content)
    with pytest.raises(BreathlineError) as error:
        annotations.read(path)
    assert what in error.value.what
    assert str(error.value.where).startswith(str(path))
    assert place in str(error.value.where)


def test_an_annotation_has_a_limit_of_size(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "MAX_BYTES", 10)
    with pytest.raises(BreathlineError, match="at most 10"):
        annotations.read(write(tmp_path, {"event_annotation": []}))


@pytest.mark.parametrize(
    ("event", "four", "two", "seven"),
    [
        ("Normal", 0, 0, 0),
        ("Rhonchi", None, None, 1),
        ("Wheeze", 2, 1, 2),
        ("Stridor", None, None, 3),
        ("Coarse Crackle", 1, 1, 4),
        ("Fine Crackle", 1, 1, 5),
        ("Wheeze+Crackle", 3, 1, 6),
    ],
)
def test_each_type_has_its_class_in_each_label_set(event, four, two, seven):
    assert [labels.label(name, event) for name in ("lungsound_4", "lungsound_2")] == [four, two]
    assert labels.label("sprsound_event_7", event) == seven
    assert labels.label("sprsound_event_2", event) == int(event != "Normal")
    mapped = [labels.label(name, event, ("Rhonchi", "Stridor")) for name in ("lungsound_4", "lungsound_2")]
    assert mapped == ([2, 1] if four is None else [four, two])


def test_a_name_has_its_parts_and_the_patient_an_id_of_this_corpus_alone():
    name = names.parse("00014365_4.3_1_p4_7545")
    assert (name.patient_id, name.age, name.sex, name.site, name.number) == (
        "sprsound-00014365", "4.3", "1", "p4", "7545",
    )  # fmt: skip
    for wrong in ("101_1b1_Al_sc_Meditron", "1_2_3_p1_4", "1_2.0_1_p9_4", "_5.3_0_p8_34877", "1_2.0_1_p1_4 "):
        with pytest.raises(BreathlineError, match=r"not the name of an SPRSound recording[\s\S]*65101170"):
            names.parse(wrong)
