"""The sample rate that each front end wants; importing this needs nothing heavy."""

from __future__ import annotations

SAMPLE_RATES: dict[str, int] = {  # Hz
    "ast": 16_000,
    "beats": 16_000,
    "clap": 48_000,
    "efficientat": 32_000,
    "fbank": 16_000,
    "panns": 32_000,
}
