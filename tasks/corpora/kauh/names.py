"""Names of KAUH's recordings: filter, patient, diagnosis, sound, chest location, age and sex."""

import re
from dataclasses import dataclass

from tasks.corpora import recording_names

PREFIX = "kauh-P"  # of a patient's id: other corpora number their patients as well
FILTERS = {"B": "bell", "D": "diaphragm", "E": "extended"}

PATTERN = (
    r"(?P<filter>[BDE])P(?P<patient>[1-9][0-9]{0,5})_(?P<diagnosis>[^,]{1,100}),(?P<sound>[^,]{1,40}),"
    r"(?P<location>[^,]{1,40}),\s*(?P<age>[0-9]{1,3})\s*,\s*(?P<sex>[MFmf])\s*"
)
_NAME = re.compile(PATTERN)


@dataclass(frozen=True, kw_only=True)
class RecordingName:
    """Parts of a recording's name, such as ``BP1_Asthma,I E W,P L L,70,M``, without needless blanks."""

    filter: str
    patient: str
    diagnosis: str
    sound: str
    location: str
    age: str
    sex: str

    @property
    def patient_id(self) -> str:
        """The id of the patient, which no other corpus has."""
        return f"{PREFIX}{self.patient}"

    @property
    def recording_id(self) -> str:
        """The id of the recording: patient and filter, which have no blanks and commas."""
        return f"{self.patient_id}_{self.filter}"


def parse(name: str, *, where: object = None) -> RecordingName:
    """Return the parts of a recording's name.

    Args:
        name: The name without its suffix.
        where: Place for an error message, such as a file; the name by default.

    Raises:
        BreathlineError: The name does not have this form.
    """
    form = (
        "<B, D or E>P<patient>_<diagnosis>,<sound>,<location>,<age>,<M or F> is expected, "
        "as in BP1_Asthma,I E W,P L L,70,M"
    )
    parts = recording_names.parts(_NAME, name, corpus="a KAUH", form=form, where=where)
    return RecordingName(**{key: " ".join(value.split()) for key, value in parts.items()})
