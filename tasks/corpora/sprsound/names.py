"""Names of SPRSound's recordings: patient, age, sex, chest location and number."""

import re
from dataclasses import dataclass

from tasks.corpora import recording_names

# The releases of 2024 and 2025 have p5 to p8 as well, and do not say which locations these are.
LOCATIONS = {
    "p1": "left posterior",
    "p2": "left lateral",
    "p3": "right posterior",
    "p4": "right lateral",
    **{f"p{number}": f"further location p{number}" for number in (5, 6, 7, 8)},
}
SEXES = {"0": "M", "1": "F"}
PREFIX = "sprsound-"  # of a patient's id: other corpora number their patients as well

PATTERN = (
    r"(?P<patient>[0-9]{1,12})_(?P<age>[0-9]{1,3}(?:\.[0-9]{1,3})?)_(?P<sex>[01])_(?P<site>p[1-8])"
    r"_(?P<number>[0-9]{1,9})"
)
_NAME = re.compile(PATTERN)


@dataclass(frozen=True, kw_only=True)
class RecordingName:
    """Parts of a recording's name, such as ``65101170_0.4_1_p3_3246``, as it writes them."""

    patient: str
    age: str
    sex: str
    site: str
    number: str

    @property
    def patient_id(self) -> str:
        """The id of the patient, which no other corpus has."""
        return f"{PREFIX}{self.patient}"


def parse(recording_id: str, *, where: object = None) -> RecordingName:
    """Return the parts of a recording's name.

    Args:
        recording_id: The name without its suffix.
        where: Place for an error message, such as a file; the name by default.

    Raises:
        BreathlineError: The name does not have this form.
    """
    form = "<patient>_<age>_<sex 0 or 1>_<p1 to p8>_<number> is expected, as in 65101170_0.4_1_p3_3246"
    return RecordingName(**recording_names.parts(_NAME, recording_id, corpus="an SPRSound", form=form, where=where))
