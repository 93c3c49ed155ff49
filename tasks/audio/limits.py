"""Limits of the recordings that are read, judged by their header before any work.

They bound the memory and the time that one file can take. `validate.ranges` of params.yaml has the plausible values.
"""

MIN_RATE, MAX_RATE = 1_000, 384_000  # Hz
MAX_CHANNELS = 32
MAX_SECONDS = 3_600
MAX_SAMPLES = 2**27  # frames × channels: 512 MiB as 32 bits
MAX_LEVEL = 2.0**31  # of float samples, whose full scale is 1: that of 32-bit integers
