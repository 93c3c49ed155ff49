"""Limits of the recordings that are read, judged by their header before any work.

They bound the memory and the time that one file can take. `validate.ranges` of params.yaml has the plausible values.
"""

from dataclasses import dataclass

from tasks.audio.extents import DamagedAudioError

MIN_RATE, MAX_RATE = 1_000, 384_000  # Hz
MAX_CHANNELS = 32
MAX_RAW_BYTES = 2**29  # of a file with the suffix .raw, which is read into memory
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


@dataclass(frozen=True)
class Bounds:
    """Limits of the length of a recording.

    Attributes:
        seconds: Longest recording in seconds.
        samples: Largest number of samples, frames × channels.
        bytes: Largest file.
    """

    seconds: int
    samples: int
    bytes: int

    def check_bytes(self, size: int) -> None:
        """Check the size of a file in bytes.

        Raises:
            DamagedAudioError: The file is larger.
        """
        if size > self.bytes:
            raise DamagedAudioError(f"has {size:,} bytes; up to {self.bytes:,} are read", SHORTER)

    def check(self, rate: int, channels: int, frames: int) -> None:
        """Check rate in Hz, number of channels and number of frames of a recording.

        Raises:
            DamagedAudioError: One of them is beyond the limits.
        """
        check_rate(rate)
        if channels > MAX_CHANNELS:
            what = f"has {channels} channels; up to {MAX_CHANNELS} are read"
            raise DamagedAudioError(what, "export the channel with the stethoscope alone")
        if frames > self.seconds * rate:
            what = f"lasts {frames / rate:,.0f} s by its header; up to {self.seconds:,} s are read"
            raise DamagedAudioError(what, SHORTER)
        if frames * channels > self.samples:
            what = f"has {frames * channels:,} samples by its header; up to {self.samples:,} are read"
            raise DamagedAudioError(what, SHORTER)


# Of recordings in memory: 512 MiB as 32 bits; as 64 bits they are half of the largest file.
WHOLE = Bounds(seconds=3_600, samples=2**27, bytes=2**31)
# Of recordings that are read in blocks: two nights.
STREAMED = Bounds(seconds=172_800, samples=2**36, bytes=2**36)
