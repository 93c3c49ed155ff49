import struct
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.audio import quality, reading
from tasks.checks import usability
from tasks.runtime.errors import BreathlineError

RAMP = np.linspace(-1, 1, 500, endpoint=False)


@pytest.mark.parametrize(
    ("subtype", "depth", "dtype"),
    [
        ("PCM_U8", 8, np.int32),
        ("PCM_16", 16, np.int32),
        ("PCM_24", 24, np.int32),
        ("PCM_32", 32, np.int32),
        ("FLOAT", 32, np.float32),
        ("DOUBLE", 64, np.float64),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_depth_gives_the_same_signal(tmp_path, subtype, depth, dtype, channels):
    path = tmp_path / "größe und raum.wav"
    soundfile.write(path, np.stack([RAMP, -RAMP][:channels], axis=1), 11_025, subtype=subtype)
    audio = reading.read(path)
    assert (audio.rate, audio.subtype, audio.bit_depth) == (11_025, subtype, depth)
    assert audio.samples.dtype == dtype
    assert audio.samples.shape == (500, channels)
    assert audio.normalised().dtype == np.float32
    np.testing.assert_allclose(audio.normalised()[:, 0], RAMP, atol=2.0 ** (1 - min(depth, 24)))


def test_a_recording_re_encoded_at_32_bits_has_the_same_samples(tmp_path):
    soundfile.write(tmp_path / "a.wav", RAMP, 4000, subtype="PCM_16")
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int32")
    soundfile.write(tmp_path / "b.wav", samples, 4000, subtype="PCM_32")
    np.testing.assert_array_equal(
        reading.read(tmp_path / "a.wav").samples, reading.read(tmp_path / "b.wav").samples, strict=True
    )


def wav(path: Path, samples: np.ndarray = RAMP, subtype: str = "PCM_16") -> bytes:
    soundfile.write(path, samples, 4000, subtype=subtype)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda data: data[:-100], "cut off: 100 of 1000 bytes"),
        (lambda data: data[:30], "cut off before its audio"),
        (lambda data: data[:4], "cut off before its audio"),
        (lambda _: b"", "is empty: the file has 0 bytes"),
        (lambda _: b"<html>404</html>", "is a text in UTF-8, not audio"),
        (lambda data: data[:20] + struct.pack("<H", 0x7777) + data[22:], "states an unknown encoding"),
        (lambda data: data[:40] + struct.pack("<I", 0), "holds no samples"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, fault, message):
    path = tmp_path / "101_1b1_Al_sc_Meditron.wav"
    assert callable(fault)
    path.write_bytes(fault(wav(path)))
    with pytest.raises(BreathlineError, match=message) as caught:
        reading.read(path)
    assert caught.value.where == path


def test_what_is_no_number_is_refused(tmp_path):
    wav(tmp_path / "a.wav", np.array([0.0, np.nan, 0.5]), "FLOAT")
    with pytest.raises(BreathlineError, match="not finite numbers"):
        reading.read(tmp_path / "a.wav")


def test_a_streamed_file_whose_header_tells_no_length_is_read(tmp_path):
    data = wav(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(data[:4] + b"\xff" * 4 + data[8:40] + b"\xff" * 4 + data[44:])
    assert len(reading.read(tmp_path / "a.wav").samples) == 500


@pytest.mark.slow  # reads 165 recordings: 3 s
@pytest.mark.real
def test_every_real_recording_is_read_without_a_note_and_usable(real_icbhi):
    files = sorted((real_icbhi / "flac").glob("*.flac"))
    assert files
    for file in files:
        audio = reading.read(file)
        measures = asdict(quality.measure(audio.normalised(), audio.rate))
        duration = {"duration_s": len(audio.samples) / audio.rate}
        assert (audio.notes, usability.unusable(measures | duration)) == ((), ()), file
