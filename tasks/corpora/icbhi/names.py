"""Names of ICBHI's recordings: patient, index, chest location, mode and device."""

import re
from dataclasses import dataclass

from tasks.corpora import recording_names

CHEST_LOCATIONS = ("Tc", "Al", "Ar", "Pl", "Pr", "Ll", "Lr")
MODES = ("sc", "mc")
DEVICES = ("AKGC417L", "LittC2SE", "Litt3200", "Meditron")
MAX_DIGITS = 9  # of a patient's number and of each part of an index; ICBHI has three

_NUMBER = rf"[0-9]{{1,{MAX_DIGITS}}}"
_PATTERN = re.compile(
    rf"(?P<patient_id>(?!0){_NUMBER})_(?P<recording_index>{_NUMBER}[a-z]{_NUMBER})_(?P<location>{'|'.join(CHEST_LOCATIONS)})"
    rf"_(?P<mode>{'|'.join(MODES)})_(?P<device>{'|'.join(DEVICES)})"
)


@dataclass(frozen=True, kw_only=True)
class RecordingName:
    """Parts of a recording's name, such as ``101_1b1_Al_sc_Meditron``.

    `mode` is the acquisition mode, sequential single-channel (sc) or simultaneous multi-channel (mc).
    """

    patient_id: str
    recording_index: str
    location: str
    mode: str
    device: str

    def __str__(self) -> str:
        return f"{self.without_device}_{self.device}"

    @property
    def without_device(self) -> str:
        """The name up to the device, which is unique among ICBHI's recordings."""
        return f"{self.patient_id}_{self.recording_index}_{self.location}_{self.mode}"


def parse(recording_id: str, *, where: object = None) -> RecordingName:
    """Return the parts of a recording's name in the format of `filename_format.txt`.

    Args:
        recording_id: The name without its suffix.
        where: Place for an error message, such as file and line; the name by default.

    Raises:
        BreathlineError: The name does not have this form, or ICBHI does not use one of its parts.
    """
    form = "<patient>_<index>_<chest location>_<sc or mc>_<device> is expected, as in 101_1b1_Al_sc_Meditron"
    return RecordingName(**recording_names.parts(_PATTERN, recording_id, corpus="an ICBHI", form=form, where=where))
