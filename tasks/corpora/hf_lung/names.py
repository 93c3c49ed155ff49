"""Names of HF_Lung's recordings: series, date and time, and of one series chest location and number."""

import re
from dataclasses import dataclass

from tasks.corpora import recording_names

PREFIX = "hf_lung-"  # of the id of a date
# Device of each series: a stethoscope, in ICBHI's spelling, and an array of microphones at several places.
DEVICES = {"steth": "Litt3200", "trunc": "HF-Type-1"}
LOCATIONS = tuple(f"L{number}" for number in range(1, 9))

PATTERN = (
    r"(?P<series>steth|trunc)_"
    r"(?P<take>[0-9]{8}(?:_[0-9]{2}){3}|[0-9]{4}(?:-[0-9]{2}){5}-(?P<location>L[1-8])_[0-9]{1,6})"
)
_NAME = re.compile(PATTERN)


@dataclass(frozen=True, kw_only=True)
class RecordingName:
    """Parts of a recording's name, such as ``steth_20190821_12_00_25`` or ``trunc_2019-08-21-10-35-06-L1_1``.

    Attributes:
        series: ``steth`` or ``trunc``.
        take: The name after the series.
        date: Date as ``2019-08-21``.
        location: Chest location, or an empty text.
    """

    series: str
    take: str
    date: str
    location: str

    @property
    def patient_id(self) -> str:
        """The id of the date, which stands in for the unknown patient."""
        return f"{PREFIX}{self.date}"


def parse(recording_id: str, *, where: object = None) -> RecordingName:
    """Return the parts of a recording's name.

    Args:
        recording_id: The name without its suffix.
        where: Place for an error message, such as a file; the name by default.

    Raises:
        BreathlineError: The name does not have this form.
    """
    form = (
        "steth_<date>_<time> or trunc_<date>-<time>-<L1 to L8>_<number> is expected, "
        "as in steth_20190821_12_00_25 and trunc_2019-08-21-10-35-06-L1_1"
    )
    found = recording_names.parts(_NAME, recording_id, corpus="an HF_Lung", form=form, where=where)
    digits = found["take"].replace("-", "")
    return RecordingName(**found, date=f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}")
