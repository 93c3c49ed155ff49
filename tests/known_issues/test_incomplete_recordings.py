"""Completeness of recordings: cut-off files, and half of a file, were read as shorter recordings without a word."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.audio import reading
from tasks.corpora import extraction
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.runtime.errors import BreathlineError
from tests import sounds


def read(tmp_path: Path, data: bytes) -> reading.Audio:
    path = tmp_path / "recording.wav"
    path.write_bytes(data)
    return reading.read(path)


def same_sound(audio: reading.Audio) -> bool:
    return len(audio.samples) == sounds.FRAMES and sounds.is_tone(audio.normalised()[:, 0], audio.subtype)


def test_a_cut_off_rifx_file_is_refused_with_bytes_and_seconds(tmp_path):
    data = sounds.encoded("WAV", "PCM_16", "BIG")
    assert data[:4] == b"RIFX"
    with pytest.raises(BreathlineError, match=r"cut off: 1600 of 4800 bytes .* \(0\.10 of 0\.30 s\)"):
        read(tmp_path, data[:-1600])


def test_a_data_chunk_that_states_half_is_refused(tmp_path):
    data = bytearray(sounds.encoded("WAV", "PCM_16"))
    data[40:44] = struct.pack("<I", 2400)
    with pytest.raises(BreathlineError, match=r"states 2400 bytes of audio \(0\.15 s\), but 2400 more bytes"):
        read(tmp_path, bytes(data))


def test_an_odd_chunk_without_its_pad_byte_is_read_with_a_note(tmp_path):
    data = sounds.encoded("WAV", "PCM_16")
    odd = b"LIST" + struct.pack("<I", 23) + b"INFOICMT" + struct.pack("<I", 11) + b"hello world"
    audio = read(tmp_path, data[:4] + struct.pack("<I", len(data) + len(odd) - 8) + data[8:36] + odd + data[36:])
    assert same_sound(audio)
    assert audio.notes == ("an odd chunk lacks its pad byte (at byte 67)",)


@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0xFFFFFFFF])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_a_data_chunk_without_a_length_is_read_with_a_note(tmp_path, endian, length):
    data = bytearray(sounds.encoded("WAV", "PCM_16", endian))
    data[40:44] = struct.pack("<I" if endian == "LITTLE" else ">I", length)
    audio = read(tmp_path, bytes(data))
    assert same_sound(audio)
    assert audio.notes == (f"the chunk data states no length ({length}): read to the end of the file",)


def test_audio_that_begins_with_silence_is_no_padding(tmp_path):
    silent = np.concatenate([np.zeros(5000), sounds.tone()])
    soundfile.write(tmp_path / "a.wav", silent, sounds.RATE, subtype="PCM_16")
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[40:44] = struct.pack("<I", 0)
    assert len(read(tmp_path, bytes(data)).samples) == len(silent)


def test_gsm_610_is_read(tmp_path):
    """It cannot seek, for which soundfile raised a ValueError, and all predictions were lost."""
    audio = read(tmp_path, sounds.encoded("WAV", "GSM610"))
    assert len(audio.samples) >= sounds.FRAMES
    assert sounds.is_tone(audio.normalised()[: sounds.FRAMES, 0], "GSM610")


def test_notes_reach_extract(tmp_path):
    path = tmp_path / "101_1b1_Al_sc_Meditron.wav"
    data = bytearray(sounds.encoded("WAV", "PCM_16"))
    data[40:44] = struct.pack("<I", 0)
    path.write_bytes(data)
    path.with_suffix(".txt").write_text("0.0\t0.2\t0\t0\n")
    found = extraction.extract(path, CORPUS, [16_000])
    assert found.facts["frames"] == sounds.FRAMES
    assert found.notes == ("the chunk data states no length (0): read to the end of the file",)
