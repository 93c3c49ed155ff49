"""Errors of the disk, made by real disks and limits, and reported by the libraries that write files."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.runtime.disk_errors import DiskError, disk_error, disk_error_in, disk_errors, require_space
from tasks.runtime.errors import BreathlineError
from tests import disks

# Writes one file with every library that stages use, on each disk, and prints the errors.
WRITE = """
import json, os, resource, sqlite3, subprocess, sys, zipfile
from pathlib import Path
import numpy as np, polars as pl, pyarrow as pa, torch
from safetensors.torch import save_file
from tasks.runtime import files
from tasks.runtime.disk_errors import DiskError, disk_errors

folder, cases = Path(sys.argv[1]), json.loads(sys.argv[2])
target = folder / "file"
data = np.random.default_rng(0).integers(0, 255, 3_000_000, dtype=np.uint8)

def database():
    with sqlite3.connect(target) as connection:
        connection.execute("create table t (a)")
        connection.execute("insert into t values (?)", (data.tobytes(),))

def archive():
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("a", data.tobytes())

def saved():
    with target.open("wb") as file:
        torch.save(torch.from_numpy(data), file)

writers = {
    "python": lambda: target.write_bytes(data),
    "numpy": lambda: data.tofile(target),
    "pyarrow": lambda: files.write_table(target, pa.table({"a": data})),
    "polars": lambda: pl.DataFrame({"a": data}).write_parquet(target, compression="uncompressed"),
    "safetensors": lambda: save_file({"a": torch.from_numpy(data)}, target),
    "torch": saved,
    "sqlite": database,
    "zipfile": archive,
}
found = {}
for case, options in cases.items():
    if options:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    found[case] = {}
    for name, write in writers.items():
        try:
            with disk_errors(target):
                write()
        except DiskError as error:
            found[case][name] = str(error)
        except sqlite3.OperationalError as error:
            assert str(error) == "unable to open database file"  # the cause is unknown
        if target.exists():
            target.unlink()
    if options:
        subprocess.run(["umount", "--lazy", folder], check=True)
print(json.dumps(found))
"""
LIBRARIES = {"python", "numpy", "pyarrow", "polars", "safetensors", "torch", "zipfile"}
MOUNTS = {"full": "size=1m", "no inodes": "nr_inodes=1", "read-only": "ro", "denied": "mode=555"}
TEXTS = {
    "full": ["The disk is full.", "of 1.0 MB free)", "make room"],
    "no inodes": ["no inode left", "0 of 1 inodes free", "make room"],
    "read-only": ["The disk is read-only.", "mount it for writing"],
    "denied": ["Permission denied.", "dr-xr-xr-x and the owner", "change the owner or the mode"],
    "file size": ["exceed the largest size", "the limit of this process is 100.0 kB", "ulimit -f unlimited"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="module")
def errors(folder):
    """Return the error of each library that writes a file into the folder, by the fault of the disk."""
    cases = (MOUNTS if disks.prefix() else {}) | {"file size": ""}
    command = [*disks.prefix(), sys.executable, "-c", WRITE, str(folder), json.dumps(cases)]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("fault", TEXTS)
def test_every_library_gives_one_error_with_place_and_next_step(errors, folder, fault):
    if fault in MOUNTS:
        disks.require_mounts()
    assert errors[fault].keys() >= LIBRARIES
    for name, message in errors[fault].items():
        for text in (*TEXTS[fault], f"where: {folder / 'file'} (", "next:  ", "then run again"):
            assert text in message, (name, message)


@pytest.mark.parametrize(
    ("number", "text"),
    [(errno.EDQUOT, "quota"), (errno.EMFILE, "ulimit -n"), (errno.ENFILE, "end other programs"), (errno.EIO, "dmesg")],
)
def test_faults_that_no_test_can_make_are_told_by_their_number(tmp_path, number, text):
    error = disk_error(OSError(number, os.strerror(number), str(tmp_path / "a")))
    assert text in str(error)
    assert str(tmp_path / "a") in str(error)


def test_the_cause_of_an_error_counts_and_other_errors_stay(tmp_path):
    error = RuntimeError("a library")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device", "source", None, str(tmp_path / "x" / "b"))
    with (
        pytest.raises(DiskError, match=f"full(.|\n)*{re.escape(str(tmp_path / 'x' / 'b'))} "),
        disk_errors(tmp_path / "a"),
    ):
        raise error
    for other in (FileNotFoundError(errno.ENOENT, "none"), ValueError("disk"), BreathlineError("The disk is full.")):
        with pytest.raises(type(other)) as caught, disk_errors(tmp_path):
            raise other
        assert caught.value is other


def test_the_output_of_a_program_tells_the_error_and_its_place(tmp_path):
    line = "ERROR: unexpected error - [Errno 28] No space left on device: '.dvc/cache/files/md5/0a/tmp'\n"
    found = disk_error_in(f"Running stage\n{line}\nHaving any troubles?", tmp_path)
    assert f"where: {tmp_path}/.dvc/cache/files/md5/0a/tmp (disk /" in str(found)
    assert disk_error_in("ERROR: failed to reproduce 'fbank@ast'", tmp_path) is None


def test_missing_space_is_an_error_before_anything_is_written(tmp_path):
    require_space(tmp_path, 1)
    with pytest.raises(DiskError, match=r"full(.|\n)*make room for 10.0 EB"):
        require_space(tmp_path, 10**19)


def test_no_folder_for_temporary_files_is_an_error_that_names_the_folders(tmp_path):
    code = "import tempfile; from tasks.runtime.disk_errors import *\nwith disk_errors(): tempfile.mkdtemp()"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    read_only = "mount --bind $each $each && mount -o remount,bind,ro $each"
    prepare = f"for each in /tmp /var/tmp /usr/tmp .; do {read_only}; done 2>&-"
    disks.require_mounts()
    script = f'{prepare}; exec "$0" -c "$1"'
    command = [*disks.prefix(), "sh", "-c", script, sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd="/mnt")
    assert "No folder for temporary files can be written.\n  where: ['/tmp'" in done.stderr, done.stderr
    assert "set TMPDIR" in done.stderr
