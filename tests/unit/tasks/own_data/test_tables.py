"""Tables of users: columns, separators, encodings, numbers, labels and metadata, without a second round of problems."""

import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.corpora.table import labels
from tasks.own_data import columns, ids, numbers, sheets
from tasks.own_data.problems import Problems
from tests.unit.tasks.own_data.invented import judged, make, segments, write_audio

NAMES = ("P1_a.wav", "P2_a.wav", "P3_a.wav")
ROWS = [("P1_a.wav", "0", "1.5", "normal"), ("P2_a.wav", "0.5", "2", "Crackles"), ("P3_a.wav", "1", "3.25", "wheeze")]
EXPECTED = [
    ("P1_a.wav", 0.0, 1.5, "normal"),
    ("P2_a.wav", 0.5, 2.0, "crackle"),
    ("P3_a.wav", 1.0, 3.25, "wheeze"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_audio(tmp_path_factory.mktemp("own") / "audio", NAMES)


def text(heading: str = "file,start,end,label", separator: str = ",", rows=ROWS) -> str:
    return "\n".join([heading.replace(",", separator), *(separator.join(row) for row in rows)]) + "\n"


TABLES = {
    "usual names": text(),
    "other names": text("Filename,Onset,Offset,Sound"),
    "units in headings": text("Recording ID,start_s,end (s),lungSound"),
    "no suffix": text(rows=[(name.removesuffix(".wav"), *others) for name, *others in ROWS]),
    "paths of another computer": text(rows=[("C:\\data\\" + name.upper(), *others) for name, *others in ROWS]),
    "tabs": text(separator="\t"),
    "semicolons and commas": text(separator=";", rows=[(a, b.replace(".", ","), c.replace(".", ","), d) for a, b, c, d in ROWS]),  # noqa: E501 - one row of the table
    "a line for Excel": "sep=;\n" + text(separator=";"),
    "a mark": "\ufeff" + text(),
    "UTF-16": text().encode("utf-16"),
    "quoted": text(rows=[tuple(f'"{cell}"' for cell in row) for row in ROWS]),
    "blank lines": "\n\n" + text().replace("\n", "\r\n\r\n"),
    "milliseconds": text("file,start_ms,end_ms,label", rows=[(a, str(1000 * float(b)), str(1000 * float(c)), d) for a, b, c, d in ROWS]),  # noqa: E501
    "milliseconds by their size": text(rows=[(a, str(int(1000 * float(b))), str(int(1000 * float(c))), d) for a, b, c, d in ROWS]),  # noqa: E501
    "clock": text(rows=[(a, f"0:{b}", f"00:00:0{c}", d) for a, b, c, d in ROWS]),
    "durations": text("file,start,duration,label", rows=[(a, b, str(float(c) - float(b)), d) for a, b, c, d in ROWS]),
    "flags": text("file,start,end,crackles,wheezes", rows=[(*row[:3], flags) for row, flags in zip(ROWS, ("0,0", "yes,no", "0,1"), strict=True)]),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_tables_as_people_write_them_give_the_same_segments(folder, case):
    made, problems = judged(folder, TABLES[case])
    assert problems == []
    assert segments(made.rows) == EXPECTED


def workbook(rows) -> bytes:
    """Return an Excel workbook of one sheet with texts and numbers."""
    cells = "".join(
        f'<row r="{number}">'
        + "".join(
            f"<c><v>{cell}</v></c>" if isinstance(cell, float) else f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            for cell in row
        )
        + "</row>"
        for number, row in enumerate(rows, start=1)
    )
    main, office = "http://schemas.openxmlformats.org/", "application/vnd.openxmlformats-officedocument.spreadsheetml"
    package, rels = f"{main}package/2006/", f"{main}officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{office}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{office}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}relationships"><Relationship Id="rId1" '
        f'Type="{rels}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}spreadsheetml/2006/main" xmlns:r="{rels}"><sheets>'
        '<sheet name="one" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}relationships"><Relationship Id="rId1" '
        f'Type="{rels}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}spreadsheetml/2006/main"><sheetData>{cells}'
        "</sheetData></worksheet>",
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def test_excel_and_parquet_give_the_same_segments(folder, tmp_path):
    heading = ("file", "start", "end", "label", "patient")
    rows = [(name, float(start), float(end), label, float(i)) for i, (name, start, end, label) in enumerate(ROWS)]
    pq.write_table(pa.table(dict(zip(heading, zip(*rows, strict=True), strict=True))), tmp_path / "sounds.parquet")
    made = make(folder, (tmp_path / "sounds.parquet").read_bytes(), "sounds.parquet")
    assert segments(made.rows) == EXPECTED
    assert [row.patient_id for row in made.rows] == ["mine-0", "mine-1", "mine-2"]
    pytest.importorskip("fastexcel")
    made, problems = judged(folder, workbook([heading, *rows]), "sounds.xlsx")
    assert problems == []
    assert segments(made.rows) == EXPECTED
    assert [row.patient_id for row in made.rows] == ["mine-0", "mine-1", "mine-2"]


def test_without_the_reader_of_workbooks_the_message_names_the_way_out(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fastexcel", None)
    _, problems = judged(folder, b"PK", "sounds.xlsx")
    assert problems == [
        "sounds.xlsx: .xlsx needs the package fastexcel, which is not installed; save the table as .csv, or run "
        '`pip install "breathline[tables]"`'
    ]


def test_all_problems_are_in_one_message_with_line_and_way_out(folder):
    write_audio(folder.parent / "audio", ["cut.wav", "twice.wav", "twice.flac", "rate.wav"], rate=RATE_LOW)
    cut = folder / "cut.wav"
    cut.write_bytes(cut.read_bytes()[:2000])
    table = (
        "file,start,end,label,patient,age,sex,split\n"
        "P1_a.wav,2.0,1.5,normal,P1,33,F,train\n"
        "P1_a.wav,0,1,squeak,P1,33,F,train\n"
        "P1_a.wav,0,1,squeak,P1,33,F,train\n"
        "P2_a.wav,0,x,normal,P2,200,Q,test\n"
        "P2_a.wav,1,2,normal,P1,33,F,somewhere\n"
        "P3_a.wav,0,99,,P3,33,F,test\n"
        "nothere.wav,0,1,normal,P4,33,F,test\n"
        "cut.wav,0,1,normal,P5,33,F,test\n"
        "rate.wav,0,1,normal,,33,F,test\n"
        "P3_a.wav,0,1,normal,P3,33,F,test,more\n"
    )
    try:
        _, problems = judged(folder, table, role="training")
    finally:
        for name in ("cut.wav", "twice.wav", "twice.flac", "rate.wav"):
            (folder / name).unlink()
    places = [
        "audio/cut.wav: The recording cut.wav is cut off",
        "audio/rate.wav: sample_rate is 2000, outside of 4000 to 192000; ",
        "audio/twice.wav: the name differs from twice.flac only in suffix, case or form of accents; ",
        "rate.wav: the recording has no patient; ",
        "sounds.csv:2: the segment from 2 to 1.5 s ends before it starts, or has no length; ",
        'sounds.csv:3: the label `squeak` in rows 3, 4 has no known class; name it by --label "squeak=normal|crackle|',
        "sounds.csv:4: the row repeats row 3; ",
        "sounds.csv:5: `200` is no age from 0 to 110 years; ",
        "sounds.csv:5: `Q` is no sex that is known (F or M); ",
        "sounds.csv:5: `x` is no time in the column of end; ",
        "sounds.csv:6: P2_a.wav has two values of age: `200` in row 5, `33` in row 6; ",
        "sounds.csv:6: P2_a.wav has two values of patient: `P2` in row 5, `P1` in row 6; ",
        "sounds.csv:6: P2_a.wav has two values of sex: `Q` in row 5, `F` in row 6; ",
        "sounds.csv:6: P2_a.wav has two values of split: `test` in row 5, `somewhere` in row 6; ",
        "sounds.csv:7: the label is empty in row 7; ",
        "sounds.csv:7: the segment from 0 to 99 s reaches beyond the end of P3_a.wav (4.00 s); ",
        "sounds.csv:8: `nothere.wav` is not in audio (row 8); ",
        "sounds.csv:11: the row has 9 cells; the heading has 8; ",
    ]
    unseen = [place for place in places if not any(line.startswith(place) for line in problems)]
    assert unseen == []
    assert len(problems) == len(places)


RATE_LOW = 2000
WRONG = {
    "file\nP1_a.wav\n": "sounds.csv:1: no column for `label` was found; the columns are file; name it by --map label=COLUMN",  # noqa: E501 - one message
    "P1_a.wav,0,1,normal\nP2_a.wav,0,1,normal\n": "sounds.csv:1: no column for `file` was found; the columns are P1_a.wav, 0, 1, normal; name it by --map file=COLUMN",  # noqa: E501
    "file,start,label\nP1_a.wav,0,normal\n": "sounds.csv:1: no column for `end` was found; the columns are file, start, label; name it by --map end=COLUMN",  # noqa: E501
    "file,label,label\nP1_a.wav,a,b\n": "sounds.csv:1: two columns are called `label`; rename one of them",
    "file,label\n": "sounds.csv: the table has no row below its heading; name the right file",
    "file,crackle,wheeze\nP1_a.wav,0,maybe\n": "sounds.csv:2: `maybe` is no flag in the column of wheeze; write 0 or 1",
    b"file,label\n\x81\x8d,normal\n": "sounds.csv: the text is neither UTF-8 nor that of Windows (byte 11); save it as UTF-8",  # noqa: E501
    "file,label\nP1_a.wav,nor\0mal\n": "sounds.csv:2: this is no text (a null character); save it as UTF-8",
    "file,label,patient,split\nP1_a.wav,normal,A,train\nP2_a.wav,normal,A,test\n": "P1_a.wav: the patient `A` is in train (P1_a.wav), test (P2_a.wav); a patient on both sides makes scores too high; correct the column, or leave it out by --map split=",  # noqa: E501
    "file,label,fold\nP1_a.wav,normal,7\n": "sounds.csv:2: fold 7 is beyond the 5 folds that are used; correct it, or leave the column out by --map split=",  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("table", WRONG)
def test_a_wrong_table_is_refused_with_line_and_way_out(folder, table):
    assert WRONG[table] in judged(folder, table)[1]


def test_options_that_do_not_fit_the_table_are_problems(folder):
    given = {"columns": {"label": "Lable", "place": "x", "unit": "h"}, "classes": {"rub": "own", "normal": "loud"}}
    _, problems = judged(folder, text(), **given, patient_from="(")
    for option in ("--map label=Lable", "--map place=x", "--map unit=h", "--label rub=own", "--label normal=loud"):
        assert any(line.startswith(f"{option}: ") for line in problems), option
    assert any(line.startswith("--patient-from: `(` is no regular expression") for line in problems)
    assert "did you mean label?" in next(line for line in problems if "Lable" in line)


def test_times_that_can_be_seconds_or_milliseconds_are_asked_for(tmp_path):
    folder = write_audio(tmp_path / "audio", ["long.wav"], seconds=250)
    table = "file,start,end,label\nlong.wav,0,200,normal\n"
    _, problems = judged(folder, table, patient_from="l")
    assert problems == [
        "sounds.csv: the unit of the times is not clear: seconds or milliseconds; write --map unit=s or --map unit=ms"
    ]
    made = make(folder, table, patient_from="l", columns={"unit": "ms"})
    assert segments(made.rows) == [("long.wav", 0.0, 0.2, "normal")]


def test_a_row_a_recording_is_the_whole_recording_or_windows_of_it(folder):
    table = "wav,class,stethoscope,split\nP1_a,abnormal,Eko,1\nP2_a,normal,Eko,2\nP3_a,none,Thinklabs One,5\n"
    made = make(folder, table, classes={"none": "-"})
    assert segments(made.rows) == [("P1_a.wav", 0.0, 4.0, "abnormal"), ("P2_a.wav", 0.0, 4.0, "normal")]
    assert [row.fold for row in made.rows] == [0, 1]
    assert any("1 recording without a segment left out: P3_a.wav" in note for note in made.notes)
    assert any("--window" in note for note in made.notes)
    rows = make(folder, table, classes={"none": "own"}, window_s=1.5).rows
    assert segments(rows)[:3] == [
        ("P1_a.wav", 0.0, 1.5, "abnormal"),
        ("P1_a.wav", 1.5, 3.0, "abnormal"),
        ("P2_a.wav", 0.0, 1.5, "normal"),
    ]


def test_sound_labels_have_the_classes_of_their_words():
    usual = {
        "Normal": "normal",
        "normal breath sounds": "normal",
        "fine crackles": "crackle",
        "CRACKLE": "crackle",
        "Wheezing": "wheeze",
        "crackle+wheeze": "both",
        "wheeze_and_crackle": "both",
        "both": "both",
        "Adventitious": "abnormal",
        "no crackles": None,
        "rhonchi": None,
        "normal or wheeze": None,
        "": None,
        "1": None,
    }
    assert {label: labels.usual_class(label) for label in usual} == usual
    own = [("Rub", "own"), (" rub ", "own"), ("clear", "normal"), ("s10", "own"), ("s2", "own")]
    assert labels.own_classes(own) == ("normal", "rub", "s2", "s10")


def test_usual_columns_are_found_and_each_has_one_meaning():
    header = ("Subject ID", "id", "fileName", "Begin Time (s)", "End Time [s]", "Annotation", "Gender", "wheeze")
    assert columns.guess(header) == {
        "patient": "Subject ID",
        "file": "fileName",
        "start": "Begin Time (s)",
        "end": "End Time [s]",
        "label": "Annotation",
        "sex": "Gender",
        "wheeze": "wheeze",
    }
    assert columns.guess(("id", "audio")) == {"patient": "id", "file": "audio"}


def test_ids_are_safe_and_differ():
    names = ["P1", "p 1", "Ünal", "李", "王", "a_b", "a-b", "x" * 99]
    patients = ids.patients("mine", names)
    assert patients["P1"] == "mine-P1"
    assert patients["Ünal"] == "mine-Unal"
    assert all("_" not in one.removeprefix("mine-") for one in patients.values())
    assert len({one.casefold() for one in patients.values()}) == len(names)
    files = {"P1_rec 1.wav": "mine-P1", "sub/rec.wav": "mine-P1", "sub-rec.flac": "mine-P1", "声.wav": "mine-P1"}
    recordings = ids.recordings("mine", files)
    assert recordings["P1_rec 1.wav"] == "mine-P1_rec-1"
    assert len({one.casefold() for one in recordings.values()}) == len(files)
    assert all(one.isascii() and one.startswith("mine-P1_") for one in recordings.values())


def test_numbers_are_read_as_people_write_them():
    assert numbers.number("1,5", comma=True) == 1.5
    assert numbers.number("1,5") is None
    assert numbers.number("1:02.5") == 62.5
    assert numbers.number("9" * 400) is None
    assert numbers.number("nan") is None
    assert numbers.has_decimal_comma(["1", "2,5"])
    assert not numbers.has_decimal_comma(["1.5", "2,5"])


def test_a_table_in_the_encoding_of_windows_is_read_with_a_note(tmp_path):
    (tmp_path / "sounds.csv").write_bytes("file;label\nMüller.wav;normal\n".encode("cp1252"))
    problems = Problems()
    sheet = sheets.read(tmp_path / "sounds.csv", problems)
    assert sheet is not None
    assert sheet.rows == ((2, ("Müller.wav", "normal")),)
    assert "cp1252" in sheet.notes[0]
    assert not problems.found
