import pytest

from tasks.corpora.icbhi import names
from tasks.runtime.errors import BreathlineError


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
