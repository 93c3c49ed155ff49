"""Fuzz target of weight files: changed files of torch and safetensors, and pickles of arbitrary operations."""

import io
import pickletools
import sys
import tempfile
import zipfile
from collections import OrderedDict
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import strategies as st

from tasks.pretrained.weights import read_tensors
from tasks.runtime.errors import BreathlineError
from tests.fuzz import harness
from tests.unit.tasks.pretrained.torch_files import archive, saved

CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 9), st.binary(max_size=9)), max_size=6)


@cache
def whole() -> list[bytes]:
    """Return valid files of each format."""
    tensors = OrderedDict(a=torch.arange(6.0).reshape(2, 3).T, b=torch.tensor(3))
    beside = {"model": tensors, "indices": np.arange(5), "one": np.float64(2), "mixed": [1, (2, None, b"a")]}
    return [saved(beside), saved(beside, zipped=False), safetensors.torch.save({"a": torch.ones(2)})]


@cache
def operations() -> list[bytes]:
    """Return the operations of the pickle of a checkpoint, each with its argument, and all others that have none."""
    with zipfile.ZipFile(io.BytesIO(whole()[0])) as checkpoint:
        data = checkpoint.read("archive/data.pkl")
    starts = [start for _, _, start in pickletools.genops(data)] + [len(data)]
    found = [data[start:end] for start, end in pairwise(starts)]
    return found + [code.code.encode("latin-1") for code in pickletools.opcodes if code.arg is None]


def changed(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for at, removed, given in changes:
        data = data[: at % (len(data) + 1)] + given + data[at % (len(data) + 1) + removed :]
    return data


def _mutated_operations(changes: list[tuple[int, bytes]]) -> list[bytes]:
    """Return the operations of a checkpoint with some replaced."""
    found = operations()[1 : operations().index(b".")]
    for at, given in changes:
        found[at % len(found)] = given
    return found


def files() -> st.SearchStrategy[bytes]:
    """Return the strategy of weight files."""
    program = st.lists(st.sampled_from(operations()) | st.binary(min_size=1, max_size=9), max_size=40)
    mutations = st.builds(_mutated_operations, st.lists(st.tuples(st.integers(0, 999), st.sampled_from(operations()))))
    pickles = (program | mutations).map(
        lambda parts: archive(b"\x80\x02" + b"".join(parts) + b".", {"data/0": bytes(24), "data/1": bytes(8)})
    )
    return st.builds(changed, st.sampled_from(whole()), CHANGES) | pickles | st.binary()


def read(content: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "w").write_bytes(content)
        return read_tensors(Path(folder, "w"))


def test_some_changed_weights_are_read_or_refused():
    assert all(read(content) for content in whole())

    @hypothesis.settings(max_examples=150, database=None, derandomize=True, deadline=None)
    @hypothesis.given(files())
    def cases(content: bytes) -> None:
        with suppress(BreathlineError):
            read(content)

    cases()


@pytest.mark.long  # ten minutes, or BREATHLINE_FUZZ_SECONDS
@pytest.mark.timeout(harness.DEFAULT_SECONDS + 300)
def test_changed_weights_are_read_or_refused(capsys):
    tally = harness.fuzz(read, files, seconds=harness.seconds(), seed=harness.new_seed())
    with capsys.disabled():
        sys.stdout.write(f"\nweights: {tally}\n")
    assert tally.accepted
    assert tally.refused
