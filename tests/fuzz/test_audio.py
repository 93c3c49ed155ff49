"""Fuzzing of recordings."""

import sys

import pytest

from tests.fuzz import audio, harness


@pytest.mark.long
@pytest.mark.timeout(harness.DEFAULT_SECONDS + 300)
def test_mutated_recordings_are_read_or_refused(capsys):
    tally = harness.fuzz(audio.read, audio.files, seconds=harness.seconds(), seed=harness.new_seed())
    with capsys.disabled():
        sys.stdout.write(f"\nrecordings: {tally}\n")


def test_some_mutated_recordings_are_read_or_refused():
    tally = harness.fuzz(audio.read, audio.files, seconds=60, most=200)
    assert tally.accepted > 0
    assert tally.refused > 0
