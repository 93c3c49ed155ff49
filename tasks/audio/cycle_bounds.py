"""Bounds of a cycle in the samples of its recording."""


def bounds(start_s: float, end_s: float, rate: int, samples: int) -> slice:
    """Return the slice of a cycle's samples: its times × `rate`, truncated, within the recording.

    Args:
        start_s: Start of the cycle in seconds.
        end_s: End of the cycle in seconds.
        rate: Sample rate in Hz.
        samples: Number of samples of the recording.
    """
    start = min(max(int(start_s * rate), 0), samples)
    end = min(max(int(end_s * rate), start), samples)
    return slice(start, end)
