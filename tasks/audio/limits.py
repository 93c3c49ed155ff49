"""Limits of the recordings that are read, judged by their header before any work.

They bound the memory and the time that one file can take. `validate.ranges` of params.yaml has the plausible values.
"""

from tasks.audio.extents import DamagedAudioError

MIN_RATE, MAX_RATE = 1_000, 384_000  # Hz
MAX_CHANNELS = 32
MAX_SECONDS = 3_600
MAX_SAMPLES = 2**27  # frames × channels: 512 MiB as 32 bits
MAX_BYTES = 2**31  # of a file; 2²⁷ samples of 64 bits are half of it
MAX_REPAIRED_BYTES = 2**29  # of a file with a fault in its header, of which a corrected copy is made in memory
SHORTER = "cut it into shorter parts"
MAX_LEVEL = 2.0**31  # of float samples, whose full scale is 1: that of 32-bit integers


def check_rate(rate: int) -> None:
    """Check the sample rate of a recording, in Hz.

    Raises:
        DamagedAudioError: The rate is beyond the limits.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        what = f"has a sample rate of {rate:,} Hz; {MIN_RATE:,} to {MAX_RATE:,} Hz are read"
        raise DamagedAudioError(what, "correct the rate in its header, or resample it")


def check_size(rate: int, channels: int, frames: int) -> None:
    """Check rate in Hz, number of channels and number of frames of a recording.

    Raises:
        DamagedAudioError: One of them is beyond the limits.
    """
    check_rate(rate)
    if channels > MAX_CHANNELS:
        what = f"has {channels} channels; up to {MAX_CHANNELS} are read"
        raise DamagedAudioError(what, "export the channel with the stethoscope alone")
    if frames > MAX_SECONDS * rate:
        what = f"lasts {frames / rate:,.0f} s by its header; up to {MAX_SECONDS:,} s are read"
        raise DamagedAudioError(what, SHORTER)
    if frames * channels > MAX_SAMPLES:
        what = f"has {frames * channels:,} samples by its header; up to {MAX_SAMPLES:,} are read"
        raise DamagedAudioError(what, SHORTER)
