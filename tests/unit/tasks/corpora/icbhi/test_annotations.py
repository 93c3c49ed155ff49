"""Names and annotations of ICBHI's recordings."""

import pytest

from tasks.corpora.icbhi import annotations, names
from tasks.corpora.icbhi.annotations import cycle
from tasks.runtime.errors import BreathlineError


def test_cycles_have_the_order_and_times_of_the_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf0.579\t2.45\t1\t0\r\n\r\n0.036 0.579 0 1 \r\n3\t3\t1\t1\n9\t-1.5e0\t0\t0")
    assert annotations.read(path) == [
        cycle(0.579, 2.45, crackles=1, wheezes=0),
        cycle(0.036, 0.579, crackles=0, wheezes=1),
        cycle(3, 3, crackles=1, wheezes=1),
        cycle(9, -1.5, crackles=0, wheezes=0),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("start\tend\tcrackles\twheezes", "not a time"),
        ("O.036\t0.579\t0\t0", "not a time"),
        ("nan\t0.579\t0\t0", "not a time"),
        ("0.1\tinf\t0\t0", "not a time"),
        ("0.036\t0.579\t2\t0", "crackles"),
        ("0.036\t0.579\t0\t", "wheezes"),
        ("0.036\t0.579\t0", "columns"),
        ("0.036\t0.579\t0\t0\t1", "columns"),
        (">>>>>>> theirs", "merge marker"),
    ],
)
@pytest.mark.parametrize("line", [1, 3])
def test_a_malformed_row_is_named_with_file_and_line(tmp_path, row, message, line):
    path = tmp_path / "101_1b1_Al_sc_Meditron.txt"
    path.write_text("0\t1\t0\t0\n" * (line - 1) + row + "\n")
    with pytest.raises(BreathlineError, match=message) as caught:
        annotations.read(path)
    assert caught.value.where == f"{path}:{line}"


def test_a_name_is_parsed_and_written_again():
    name = names.parse("166_1p1_Al_sc_Meditron")
    assert (name.patient_id, name.recording_index, name.location) == ("166", "1p1", "Al")
    assert (name.mode, name.device, str(name)) == ("sc", "Meditron", "166_1p1_Al_sc_Meditron")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "101_1b1_Al_sc",
        "101_1b1_Xx_sc_Meditron",
        "101_1b1_Al_zz_Meditron",
        "101_1b1_Al_sc_Iphone",
        "101_1b1_Al_sc_Meditron (1)",
        "101_1b1_Al_sc_Meditron.wav",
        "１01_1b1_Al_sc_Meditron",
        "atmung_größe",
    ],
)
def test_other_names_are_refused(text):
    with pytest.raises(BreathlineError, match="not the name of an ICBHI recording") as caught:
        names.parse(text, where="split.txt:7")
    assert caught.value.where == "split.txt:7"
