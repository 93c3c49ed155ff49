import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.corpora.icbhi import metadata
from tasks.corpora.icbhi.metadata import DEMOGRAPHICS, Correction
from tasks.runtime.errors import BreathlineError

SPLIT = {"101_1b1_Al_sc_Meditron": "test", "103_2b2_Ar_mc_LittC2SE": "train", "107_2b3_Al_mc_AKGC417L": "train"}


@settings(max_examples=60)
@given(
    separator=st.sampled_from(["\t", " ", "   ", " \t", ",", ", "]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    heading=st.sampled_from(["", "Recording\tSplit", "file name split"]),
    blank=st.lists(st.sampled_from(["", "  ", "\t"]), max_size=2),
    trailing=st.sampled_from(["", " ", "\t", " \t "]),
    suffix=st.sampled_from(["", ".wav", ".txt", ".WAV"]),
    case=st.sampled_from([str.lower, str.upper, str.title]),
    last_line_ends=st.booleans(),
)
def test_the_split_reads_alike_in_every_variant(
    tmp_path, *, separator, end, encoding, heading, blank, trailing, suffix, case, last_line_ends
):
    rows = [f"{name}{suffix}{separator}{case(side)}{trailing}" for name, side in SPLIT.items()]
    lines = [*blank, *([heading] if heading else []), rows[0], *blank, *rows[1:], *blank]
    path = tmp_path / "split.txt"
    path.write_bytes((end.join(lines) + (end if last_line_ends else "")).encode(encoding))
    assert metadata.read_split(path) == SPLIT


@pytest.mark.parametrize("unknown", ["NA", "na", "N/A", "NaN", "-", "null"])
def test_demographics_are_read_and_unknown_values_are_none(tmp_path, unknown):
    path = tmp_path / "demographics.txt"
    path.write_text(
        "Patient number\tAge\tSex\tAdult BMI (kg/m2)\tWeight\tHeight\r\n"
        f"101\t3\tF\t{unknown}\t19\t99\r\n104 70 m 28.47 {unknown} {unknown}\r\n"
        + "223"
        + f"\t{unknown}" * 5
        + "\r\n224\t\t\t\t\t\r\n"
    )
    rows = {"101": (3, "F", None, 19, 99), "104": (70, "M", 28.47, None, None)}
    rows |= dict.fromkeys(("223", "224"), (None,) * 5)
    found = metadata.read_demographics(path)
    assert found == {patient: dict(zip(DEMOGRAPHICS, row, strict=True)) for patient, row in rows.items()}


def test_diagnoses_take_their_official_form_and_unknown_ones_are_absent(tmp_path):
    path = tmp_path / "diagnosis.txt"
    path.write_bytes(codecs.BOM_UTF8 + b"101,urti\r\n102,Healthy\r\n103,NA\r\n102,HEALTHY\r\n")
    assert metadata.read_diagnosis(path) == {"101": "URTI", "102": "Healthy"}


@pytest.mark.parametrize(
    ("read", "text", "line", "message"),
    [
        (metadata.read_split, "<<<<<<< HEAD\n101_1b1_Al_sc_Meditron\ttest\n", 1, "merge marker"),
        (metadata.read_split, "101_1b1_Al_sc_Meditron\ttest\n=======\n", 2, "merge marker"),
        (metadata.read_split, "101_1b1_Al_sc_Meditron test\n\n101_1b1_Al_sc_Meditron.wav train\n", 3, "contradicts"),
        (metadata.read_split, "101_1b1_Al_sc_Meditron\tvalidation\n", 1, "neither train nor test"),
        (metadata.read_split, "101_1b1_Al_sc_Meditron\n", 1, "columns"),
        (metadata.read_split, "name split\n101_Meditron test\n", 2, "not the name"),
        (metadata.read_diagnosis, "101\tURTI\n102\tGout\n", 2, "not a diagnosis"),
        (metadata.read_diagnosis, "101\tURTI\nx\tCOPD\n", 2, "not the number of a patient"),
        (metadata.read_diagnosis, "101\tURTI\n101\tCOPD\n", 2, "contradicts"),
        (metadata.read_diagnosis, "101\tURTI\n101\tNA\n", 2, "contradicts"),
        (metadata.read_demographics, "101\t3\tF\tNA\t19\t99\n102\tyoung\tF\tNA\t9\t73\n", 2, "not an age"),
        (metadata.read_demographics, "101\t-3\tF\tNA\t19\t99\n", 1, "not an age"),
        (metadata.read_demographics, "101\t3\tX\tNA\t19\t99\n", 1, "not a sex"),
        (metadata.read_demographics, "101\t3\tF\n", 1, "columns"),
        (metadata.read_folds, "101 5\n", 1, "not a fold"),
        (metadata.read_folds, "101 1\n101 2\n", 2, "contradicts"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path, read, text, line, message):
    path = tmp_path / "a file.txt"
    path.write_text(text)
    with pytest.raises(BreathlineError, match=message) as caught:
        read(path)
    assert caught.value.where == f"{path}:{line}"


@pytest.mark.parametrize("data", [b"", b"\n \n", b"101\tURTI\n102\t\xff\xfe\xfa\n"])
def test_an_empty_file_or_no_text_is_refused(tmp_path, data):
    path = tmp_path / "diagnosis.txt"
    path.write_bytes(data)
    with pytest.raises(BreathlineError, match=r"no rows|not a text file"):
        metadata.read_diagnosis(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BreathlineError, match=r"folds\.txt cannot be read"):
        metadata.read_folds(tmp_path / "folds.txt")


MEDITRON, LITTMANN = "226_1b1_Pl_sc_Meditron", "226_1b1_Pl_sc_LittC2SE"


def test_a_name_with_another_device_is_corrected():
    match = metadata.match([MEDITRON, "101_1b1_Al_sc_Meditron"], ["101_1b1_Al_sc_Meditron", LITTMANN])
    assert match.recording_ids == {"101_1b1_Al_sc_Meditron": "101_1b1_Al_sc_Meditron", MEDITRON: LITTMANN}
    assert match.corrections == [Correction(name_in_split=MEDITRON, recording_id=LITTMANN)]
    assert not match.missing
    assert not match.unlisted


def test_both_names_in_the_split_mean_one_recording():
    match = metadata.match([MEDITRON, LITTMANN], [LITTMANN])
    assert match.recording_ids == {MEDITRON: LITTMANN, LITTMANN: LITTMANN}
    assert not match.missing


def test_a_name_that_could_mean_two_recordings_means_none():
    two = ["226_1b1_Pl_sc_Litt3200", LITTMANN]
    match = metadata.match([MEDITRON, "101_1b1_Al_sc_Meditron"], two)
    assert not match.recording_ids
    assert match.missing == ["101_1b1_Al_sc_Meditron", MEDITRON]
    assert match.unlisted == two
