"""Byte layout compared with the libraries that read the files."""

import struct

import numpy as np
import pytest
import soundfile

from lineage.trace import byte_layout
from tasks.runtime.errors import BreathlineError


@pytest.mark.parametrize(("subtype", "kind"), [("PCM_16", "<i2"), ("PCM_32", "<i4"), ("FLOAT", "<f4")])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_layout_locates_the_samples_of_a_wav(tmp_path, subtype, kind, channels):
    path, generator = tmp_path / "a.wav", np.random.default_rng(0)
    soundfile.write(path, generator.uniform(-1, 1, (100, channels)), 4000, subtype=subtype)
    wanted = soundfile.read(path, dtype={"<i2": "int16", "<i4": "int32", "<f4": "float32"}[kind], always_2d=True)[0]
    layout = byte_layout.wav(path)
    data = path.read_bytes()[layout.start + 10 * layout.frame : layout.start + 20 * layout.frame]
    np.testing.assert_array_equal(np.frombuffer(data, kind).reshape(10, channels), wanted[10:20])


def test_other_chunks_are_skipped_and_other_containers_have_no_layout(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(8), 4000, subtype="PCM_16")
    data = path.read_bytes()
    # A chunk of odd length is followed by a byte that belongs to none.
    path.write_bytes(data[:12] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + data[12:])
    assert byte_layout.wav(path) == byte_layout.Wav(start=44 + 12, frame=2)
    soundfile.write(tmp_path / "a.flac", np.zeros(8), 4000)
    assert byte_layout.wav(tmp_path / "a.flac") is None


def test_the_layout_locates_the_rows_of_an_array(tmp_path):
    values = np.arange(60, dtype=np.float16).reshape(5, 4, 3)
    np.save(tmp_path / "a.npy", values)
    layout = byte_layout.array(tmp_path / "a.npy")
    data = (tmp_path / "a.npy").read_bytes()[layout.start + 3 * layout.row :][: layout.row]
    assert data == values[3].tobytes()
    assert layout.shape == (5, 4, 3)
    np.save(tmp_path / "f.npy", np.asfortranarray(values))
    with pytest.raises(BreathlineError, match="C order"):
        byte_layout.array(tmp_path / "f.npy")
