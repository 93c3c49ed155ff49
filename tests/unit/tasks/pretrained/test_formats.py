"""Formats of weight files: hostile and damaged files are refused from their headers."""

import json
import pickle
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tasks.pretrained import formats, pickle_outline
from tasks.pretrained.weights import read_tensors
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.pretrained.torch_files import archive, saved

HUGE = 8_000_000_000  # elements: 32 GB of float32
FLOAT = "ctorch\nFloatStorage\n"


def tensor(*, elements: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """Return the pickle of {"w": a tensor} with sizes of our own."""
    numbers = [b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in values) + b"t" for values in (size, stride)]
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n"
    reference = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0" + b"0X\x03\0\0\0cpu"
    reference += b"\x8a\x08" + struct.pack("<q", elements) + b"tQ"
    view = b"".join(numbers)
    return b"\x80\x02}X\x01\0\0\0w" + rebuild + b"(" + reference + b"K\0" + view + b"\x89NtRs."


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (bytearray, (HUGE,))


def nested(depth: int, operation: bytes) -> bytes:
    return b"\x80\x02}" + b"N" + operation * depth + b"K\x01s."


def compressed() -> bytes:
    return archive(pickle.dumps({}, 2), {"data/0": bytes(20_000_000)}, zipfile.ZIP_DEFLATED)


def view(
    elements: int, *, size: tuple[int, ...], stride: tuple[int, ...] = (1,), data: bytes | None = b"1234"
) -> bytes:
    return archive(tensor(elements=elements, size=size, stride=stride), {"data/0": data} if data else {})


HEADER = json.dumps({"w": {"dtype": "F32", "shape": [HUGE], "data_offsets": [0, 4 * HUGE]}}).encode()
ARRAY = b"\x80\x02}K\0cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
ARRAY += b"\x8a\x08" + struct.pack("<q", HUGE) + b"\x85K\0\x87Rs."
DTYPE = b"\x80\x02}X\x01\0\0\0acnumpy\ndtype\nX\x02\0\0\0f8K\0K\x01\x87R"  # {"a": a type, before its state
REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "page about maintenance": (b"\n <!DOCTYPE html><html>soon</html>", "a page of HTML or XML"),
    "JSON": (b'{"error": "gone"}', "JSON"),
    "pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "other pickle": (pickle.dumps({"w": 1}), "not one of torch.save"),
    "sound": (b"RIFF\0\0\0\0WAVE", "an unknown format"),
    "expanded tensor": (saved({"w": torch.zeros(1).expand(HUGE)}), "more numbers than are stored"),
    "expanded tensor, old": (saved({"w": torch.zeros(1).expand(HUGE)}, zipped=False), "more numbers than are stored"),
    "tensor beyond its storage": (view(1, size=(HUGE,)), "more numbers than are stored"),
    "storage beyond the file": (view(HUGE, size=(1,)), "announces"),
    "stride beyond the storage": (view(1, size=(2, 1), stride=(HUGE, 1)), "more numbers than are stored"),
    "negative size": (view(1, size=(-1,)), "no valid storage"),
    "missing storage": (view(1, size=(1,), data=b""), "announces"),
    "shared bytes": (saved(dict.fromkeys(map(str, range(99)), torch.zeros(10_000))), "share"),
    "compressed": (compressed(), "compressed"),
    "list": (saved([torch.ones(2)]), "a list, not a mapping"),
    "tensor": (saved(torch.ones(2)), "a tensor, not a mapping"),
    "no tensors": (saved({"a": 1}), "no tensors"),
    "bytearray": (saved({"a": Bomb()}), "it calls __builtin__.bytearray"),
    "module": (saved(torch.nn.Linear(1, 1)), "calls|operation"),
    "sparse tensor": (saved({"w": torch.ones(2, 2).to_sparse()}), "calls torch.serialization._get_layout"),
    "array of a huge shape": (archive(ARRAY), "calls numpy"),
    "array of objects": (saved({"a": np.array([1, None], dtype=object)}), "calls numpy.dtype"),
    "array of rows": (saved({"a": np.zeros(2, dtype=[("x", "f4")])}), "calls numpy.dtype|state that plain arrays"),
    "type with an odd state": (archive(DTYPE + b"(K\x03X\x01\0\0\0<NNNK\x05K\x05K\0tbs."), "state that plain arrays"),
    "type with a state that is none": (archive(DTYPE + b"}bs."), "state that plain arrays"),
    "nested key": (archive(nested(50_000, b"\x85")), "no plain value"),
    "too long": (archive(b"\x80\x02" + b"N0" * 10), "operation POP"),
    "far memo": (archive(b"\x80\x02}r\xff\xff\xff\xff."), "no tensors"),
    "cut pickle": (archive(saved({"w": 1})[:9]), "damaged|operation|cannot be read"),
    "missing operand": (archive(b"\x80\x02R."), "damaged"),
    "cut zip": (saved({"w": torch.ones(2_000)})[:3_000], "cut off"),
    "cut file, old": (saved({"w": torch.ones(2_000)}, zipped=False)[:3_000], "announces more"),
    "program of TorchScript": (archive(b"\x80\x02}.", {"constants.pkl": b"\x80\x02)."}), "TorchScript"),
    "header beyond the file": (struct.pack("<Q", 1 << 40) + b"{}", "states"),
    "tensor of safetensors beyond the file": (struct.pack("<Q", len(HEADER)) + HEADER + bytes(8), "damaged or cut off"),
    "safetensors without tensors": (struct.pack("<Q", 2) + b"{}", "no tensors"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_or_damaged_file_is_refused_by_its_header(tmp_path, case):
    content, what = REFUSED[case]
    file = tmp_path / "w"
    file.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(BreathlineError, match=what) as error:
        read_tensors(file)
    assert tracemalloc.get_traced_memory()[1] < 200 << 20
    tracemalloc.stop()
    assert str(file) in str(error.value)
    assert "next:" in str(error.value)


def test_a_pickle_may_not_pass_one_long_value_to_many_calls(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle_outline, "MAX_COPIED", 100_000)
    long = b"X" + struct.pack("<I", 1_000) + b"x" * 1_000 + b"q\0"
    call = b"c_codecs\nencode\nh\0X\x06\0\0\0latin1\x86R"
    (tmp_path / "w").write_bytes(archive(b"\x80\x02" + long + b"(" + call * 200 + b"t."))
    with pytest.raises(BreathlineError, match="more memory than the file explains"):
        formats.check(tmp_path / "w")


def test_a_pickle_has_a_limited_number_of_operations(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle_outline, "MAX_OPERATIONS", 1_000)
    (tmp_path / "w").write_bytes(archive(b"\x80\x02" + b"N" * 2_000 + b"."))
    with pytest.raises(BreathlineError, match="more than 1,000 operations"):
        formats.check(tmp_path / "w")


def _tied() -> dict[str, Any]:
    shared = torch.arange(6.0).reshape(2, 3)
    return {"a": shared, "b": shared.T, "c": shared[1:, 1:], "n": torch.tensor(3), "none": torch.zeros(0, 4)}


def _module() -> dict[str, Any]:
    network = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 3), torch.nn.BatchNorm1d(2))
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999)}]}
    return {"model": network.state_dict(), "epoch": 3, "optimizer": optimizer}


def _arrays() -> dict[str, Any]:
    beside = {"indices": np.arange(5), "one": np.float64(2), "mixed": [1, (2, None, b"a")]}
    sizes = {"shape": torch.Size([2, 3]), "device": torch.device("cpu"), "type": torch.float16}
    return {"state_dict": {"w": torch.ones(1)}} | beside | sizes


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize(
    "make",
    [
        _tied,
        _module,
        lambda: OrderedDict(w=torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))),
        _arrays,
    ],
    ids=["views", "checkpoint", "parameter", "arrays beside"],
)  # fmt: skip
def test_files_of_torch_are_read_as_torch_reads_them(tmp_path, make: Callable[[], Any], zipped):
    value = make()
    (tmp_path / "w").write_bytes(saved(value, zipped=zipped))
    wanted = value.get("model", value.get("state_dict", value))
    found = read_tensors(tmp_path / "w")
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_the_length_of_a_header_is_not_taken_for_a_format(tmp_path):
    """The first byte of a safetensors file is that of its header's length, which may be that of a zip or pickle."""
    firsts = set()
    for n in range(32):
        save_file({"w": torch.ones(1)}, tmp_path / "w", metadata={"x": "x" * 8 * n})
        firsts.add((tmp_path / "w").read_bytes()[:1])
        assert list(read_tensors(tmp_path / "w")) == ["w"]
    assert {b"P", b"\x80"} <= firsts


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (torch.ones(2, dtype=torch.complex64), "the type complex64"),
        (torch.tensor([1.0, float("nan")]), "not a number"),
    ],
)
def test_tensors_that_no_network_can_start_from_are_named(tmp_path, value, what):
    for name in ("w.pt", "w.safetensors"):
        file: Path = tmp_path / name
        torch.save({"a.weight": value}, file) if name == "w.pt" else save_file({"a.weight": value}, file)
        with pytest.raises(BreathlineError, match=f"tensor a.weight holds .*{what}"):
            read_tensors(file)
