"""Every bad sound file is read rightly, or refused with file, place and next step."""

import random

import pytest

from tasks.audio import reading
from tasks.runtime.errors import BreathlineError
from tests import sounds
from tests.unit.tasks.audio import planted
from tests.unit.tasks.audio.planted import Planted

CASES = planted.table()
NAMES = [case.name for case in CASES]


def test_there_are_enough_cases_with_names_of_their_own():
    assert len(CASES) >= 200
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_bad_file_is_read_rightly_or_refused(tmp_path, case: Planted):
    path = tmp_path / "recording.wav"
    path.write_bytes(case.data())
    if case.outcome == "refused":
        with pytest.raises(BreathlineError) as caught:
            reading.read(path)
        message = str(caught.value)
        assert message.startswith("The recording recording.wav ")
        assert f"\n  where: {path}\n  next:  " in message
        assert all(word in message for word in case.words), message
        assert "libsndfile says" not in message
        return
    audio = reading.read(path)
    assert bool(audio.notes) == (case.outcome == "note"), audio.notes
    assert all(word in " ".join(audio.notes) for word in case.words), audio.notes
    length = min(len(audio.samples), sounds.FRAMES)
    assert length >= sounds.FRAMES - 100
    assert sounds.is_tone(audio.normalised()[:length, 0], audio.subtype)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.wav.raw", sounds.encoded("WAV"), None),
        ("a.RAW", sounds.encoded("FLAC"), None),
        ("a.mp3.wav", sounds.encoded("MP3"), None),
        ("a.raw", bytes(range(256)) * 20, "has no header, as its suffix says"),
    ],
)
def test_the_content_counts_and_not_the_suffix(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    if words is None:
        assert len(reading.read(tmp_path / name).samples) >= sounds.FRAMES
        return
    with pytest.raises(BreathlineError, match=words):
        reading.read(tmp_path / name)


@pytest.mark.parametrize(("container", "subtype"), sounds.kinds(), ids="-".join)
def test_a_valid_file_of_every_kind_is_read_rightly(tmp_path, container, subtype):
    audio = reading.read(sounds.write(tmp_path / "recording.wav", container, subtype))
    assert all("states no length" in note for note in audio.notes)
    assert abs(len(audio.samples) - sounds.FRAMES) <= 640  # codecs fill their last block
    assert sounds.is_tone(audio.normalised()[: sounds.FRAMES, 0], subtype, bits=8)


@pytest.mark.parametrize("cuts", [3, pytest.param(60, marks=pytest.mark.long)], ids=["three places", "sixty places"])
def test_no_cut_off_file_is_read_without_a_note(tmp_path, cuts):
    """Of every kind, cut at random places: a shorter recording without a word is the only wrong answer."""
    path = tmp_path / "recording.wav"
    generator = random.Random(0)
    for container, subtype in sounds.kinds():
        if container == "SD2":  # its length is in another file
            continue
        data = sounds.encoded(container, subtype)
        for place in [len(data) - 3, *(generator.randrange(len(data)) for _ in range(cuts - 1))]:
            path.write_bytes(data[:place])
            try:
                audio = reading.read(path)
            except BreathlineError:
                continue
            assert len(audio.samples) >= sounds.FRAMES or audio.notes, (container, subtype, place)
