"""Reading of files: faults of the machine are not told as damaged files."""

import errno
import os
import resource
from contextlib import ExitStack

import numpy as np
import pytest

from models.file_reading import UnreadableFileError, read_json, reading


def test_a_file_that_this_process_may_not_open_any_more_is_not_damaged(tmp_path):
    np.save(tmp_path / "features.npy", np.zeros(3))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as opened:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 8, before[1]))
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        with pytest.raises(OSError, match="Too many open files") as caught:  # noqa: PT012 - it fails at some file
            while True:
                opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        assert caught.value.errno == errno.EMFILE
        with pytest.raises(OSError, match="Too many open files"), reading(tmp_path / "features.npy", "NumPy"):
            np.load(tmp_path / "features.npy", mmap_mode="r")


def test_a_missing_or_empty_file_is_named(tmp_path):
    with pytest.raises(UnreadableFileError, match="the file is missing"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b"")
    with pytest.raises(UnreadableFileError, match="the file is empty"):
        read_json(tmp_path / "a.json")
