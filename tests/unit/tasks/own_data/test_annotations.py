"""Annotation files beside recordings: ICBHI's, Audacity's, Raven's, bare times; patients of file names."""

import pytest

from tasks.own_data import annotation_files
from tasks.prediction.excerpts import excerpts
from tests.unit.tasks.own_data.invented import judged, segments, write_audio

NAMES = ("P1_a.wav", "P2_a.wav", "P3_a.wav")
RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBreath sound\n"
    "1\tWaveform 1\t1\t0.0\t1.5\t0\t9\tnormal\n1\tSpectrogram 1\t1\t0.0\t1.5\t0\t9\tnormal\n"
    "2\tSpectrogram 1\t1\t2.0\t3.5\t0\t9\twheeze\n"
)
TEXTS = {
    "icbhi": "0.0\t1.5\t0\t0\n2.0\t3.5\t0\t1\n",
    "audacity": "2.000000\t3.500000\twheeze\n\\\t100.0\t900.0\n0.000000\t1.500000\tnormal\n",
    "audacity of Germany": "0,000000\t1,500000\tnormal\n2,000000\t3,500000\twheeze\n",
    "raven": RAVEN,
}


def named(kind: str, text: str) -> dict[str, str]:
    """Return a text for each recording, under a name that the program gives."""
    ending = ".Table.1.selections.txt" if kind == "raven" else ".txt"
    return {name.replace(".wav", ending): text for name in NAMES}


@pytest.mark.parametrize("kind", TEXTS)
def test_annotation_files_give_segments_and_names_give_patients(tmp_path, kind):
    folder = write_audio(tmp_path / "audio", NAMES)
    made, problems = judged(folder, named(kind, TEXTS[kind]))
    assert problems == []
    expected = [(name, *rest) for name in NAMES for rest in ((0.0, 1.5, "normal"), (2.0, 3.5, "wheeze"))]
    assert segments(made.rows) == expected
    assert [row.patient_id for row in made.rows][::2] == ["mine-P1", "mine-P2", "mine-P3"]
    decided = {one.subject: one for one in made.decisions}
    assert decided["annotations"].value == kind.split()[0]
    assert "(3 patients)" in decided["patient"].value
    assert decided["patient"].guessed
    parts = excerpts(folder / "P1_a.wav", 4.0, 2.5)
    assert [(part.start_s, part.end_s) for part in parts] == [(0.0, 1.5), (2.0, 3.5)]


def test_bare_times_are_for_predictions_only(tmp_path):
    folder = write_audio(tmp_path / "audio", NAMES)
    _, problems = judged(folder, named("times", "0.5\t2.5\n3.0 3.5\n"))
    assert len(problems) == 1
    assert "bare times have no labels to learn or to test" in problems[0]
    assert "`breathline predict` reads bare times" in problems[0]
    assert [(part.start_s, part.end_s) for part in excerpts(folder / "P1_a.wav", 4.0, 2.5)] == [(0.5, 2.5), (3.0, 3.5)]


def test_a_table_of_metadata_completes_annotation_files(tmp_path):
    folder = write_audio(tmp_path / "audio", ("one.wav", "two.wav", "three.wav"))
    for name in ("one", "two", "three"):
        (folder / f"{name}.txt").write_text(TEXTS["audacity"])
    table = "recording,subject,device\none,A,Eko\ntwo,B,Eko\nthree,B,CORE 500\n"
    made, problems = judged(folder, table, beside=True)
    assert problems == []
    assert {(row.file, row.patient_id, row.device) for row in made.rows} == {
        ("one.wav", "mine-A", "Eko"),
        ("two.wav", "mine-B", "Eko"),
        ("three.wav", "mine-B", "CORE 500"),
    }
    (folder / "one.txt").write_text("0.5\t2.5\n")
    (folder / "two.txt").write_text("0.5\t2.5\n")
    (folder / "three.txt").write_text("0.5\t2.5\n")
    labelled = table.replace("device", "class").replace("Eko", "crackle").replace("CORE 500", "normal")
    made, problems = judged(folder, labelled, beside=True)
    assert problems == []
    assert [one[3] for one in segments(made.rows)] == ["crackle", "normal", "crackle"]


WRONG = {
    "one\ntwo\n": "P1_a.txt:1: `one` is no line of a known annotation; write --annotations with one of icbhi, audacity, raven, times",  # noqa: E501 - one message
    "0.0\t1.0\t0\t0\n1.0\tx\t0\t0\n0.0\t1.0\t0\t0\n": "P1_a.txt:2: `1.0\\tx\\t0\\t0` is not start, end, crackles (0 or 1) and wheezes (0 or 1); correct the line",  # noqa: E501
    "0.0\t1.0\tnormal\n1.0\tx\twheeze\n3\t3.5\twheeze\n": "P1_a.txt:2: `1.0\\tx\\twheeze` is not start, end and label with tabs between them; export the label track again",  # noqa: E501
    "0.0\t1.0\tnormal\n2.0\t2.0\twheeze\n": "P1_a.txt:2: the segment from 2 to 2 s ends before it starts, or has no length; correct its times",  # noqa: E501
    "0.0\t1.0\tnormal\n2.0\t3.0\t\n": "P1_a.txt:2: the label is empty in 1 segments; ",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_line_is_named_with_its_file(tmp_path, text):
    folder = write_audio(tmp_path / "audio", NAMES)
    texts = {"P2_a.txt": TEXTS["audacity"], "P1_a.txt": text}
    _, problems = judged(folder, texts)
    assert any(line.startswith(f"audio/{WRONG[text]}") for line in problems), problems


def test_a_pattern_finds_the_patient_and_names_without_one_are_problems(tmp_path):
    folder = write_audio(tmp_path / "audio", ("rec P1 a.wav", "rec P2 a.wav", "other.wav"))
    texts = {f"{name}.txt": TEXTS["icbhi"] for name in ("rec P1 a", "rec P2 a", "other")}
    made, problems = judged(folder, texts, patient_from=r"P(\d)")
    assert problems == [r"other.wav: the name has no patient by the pattern P(\d); correct --patient-from"]
    assert {row.patient_id for row in made.rows} == {"mine-1", "mine-2"}
    _, problems = judged(folder, texts)
    assert any(line.startswith("--patient-from: nothing says which recordings are of one patient") for line in problems)


def test_a_format_that_the_user_names_is_not_recognised_anew(tmp_path):
    folder = write_audio(tmp_path / "audio", NAMES)
    _, problems = judged(folder, named("icbhi", TEXTS["icbhi"]), format="raven")
    assert sum("export the selection table again" in line for line in problems) == len(NAMES)
    assert annotation_files.recognise([(1, "a\tb")]) is None
