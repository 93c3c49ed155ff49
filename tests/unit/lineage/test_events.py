"""Entries of the event log, written and read by several processes."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from lineage import events, log_lines
from tasks.runtime.errors import BreathlineError
from tests.unit.lineage.event_logs import log_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("folder", ["tmp1x", "standalone/tmp2/sub/project"])
def test_the_log_of_a_temporary_experiment_is_that_of_its_project(tmp_path, folder):
    assert events.home(tmp_path) == tmp_path
    assert events.home(tmp_path / ".dvc/tmp/exps" / folder) == tmp_path


def test_a_run_names_its_start_by_hash(tmp_path):
    first = events.append(tmp_path, {"event": "start", "stage": "pool"})
    events.append(tmp_path, {"event": "end", "start": first})
    read = events.read(tmp_path)
    assert events.entries_by_hash(read)[read[1]["start"]] == read[0]


def test_parallel_writers_make_one_chain(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: events.append(tmp_path, {"writer": number}), range(40)))
    assert events.check(tmp_path) == []
    assert sorted(entry["writer"] for entry in events.read(tmp_path)) == list(range(40))


def test_a_stage_that_appends_while_the_log_is_read_is_no_fault(tmp_path, monkeypatch):
    log_of(tmp_path, 2)
    read = log_lines.entries

    def late(log):
        rows = list(read(log))
        monkeypatch.setattr(log_lines, "entries", read)
        events.append(tmp_path, {"stage": "meanwhile"})
        return iter(rows)

    monkeypatch.setattr(log_lines, "entries", late)
    assert events.load(tmp_path).faults == []


@pytest.mark.parametrize("key", ["adopted", "evaluated", "at", "start", "record", "gpus"])
@pytest.mark.parametrize("value", [[1], {"students": None}, 7, True])
def test_values_that_no_stage_writes_are_left_out_for_readers(tmp_path, key, value):
    log_of(tmp_path, 1)
    events.append(tmp_path, {"stage": "evaluate", key: value})
    assert [key in entry for entry in events.read_or_empty(tmp_path)] == [False, False]


def test_an_entry_longer_than_a_block_is_found(tmp_path):
    for stage in ("short", "x" * 200_000, "y" * 70_000):
        events.append(tmp_path, {"stage": stage})
    assert events.check(tmp_path) == []


WRITER = """if True:
    import sys
    from pathlib import Path
    from lineage import events
    print("ready", flush=True)
    for number in range(int(sys.argv[3])):
        events.append(Path(sys.argv[1]), {"writer": sys.argv[2], "n": number})
"""


@pytest.mark.slow  # starts four processes, about 3 s
def test_processes_that_append_at_once_make_one_chain_also_when_one_is_killed(tmp_path):
    counts = {"a": 15, "b": 15, "c": 15, "killed": 100_000}
    events.append(tmp_path, {"writer": "before"})  # so that there is a log to be read
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = {
        name: subprocess.Popen([*command, name, str(count)], cwd=ROOT, stdout=subprocess.PIPE)
        for name, count in counts.items()
    }
    for process in writers.values():
        assert process.stdout.readline() == b"ready\n"
    while '"writer":"killed"' not in (tmp_path / events.LOG).read_text():
        time.sleep(0.001)
    writers["killed"].kill()
    assert [process.wait(60) for process in writers.values()] == [0, 0, 0, -signal.SIGKILL]
    events.append(tmp_path, {"writer": "after"})
    assert events.check(tmp_path) == []
    written = Counter(entry.get("writer") for entry in events.read(tmp_path))
    assert {name: written[name] for name in ("a", "b", "c", "after")} == {"a": 15, "b": 15, "c": 15, "after": 1}


def test_a_lock_that_is_never_released_is_an_error(tmp_path, monkeypatch):
    path = log_of(tmp_path, 1)
    monkeypatch.setattr(events, "LOCK_TIMEOUT_S", 0.1)
    with (
        FileLock(path.with_suffix(".lock"), is_singleton=False),
        pytest.raises(BreathlineError, match="Another process has held the lock of the event log"),
    ):
        events.append(tmp_path, {"stage": "next"})


READER = """if True:
    import os, sys
    import filelock  # packages may be closed to the other user
    from pathlib import Path
    from lineage import events
    if os.geteuid() == 0:
        os.seteuid(65534)  # root may write everything
    events.append(Path(sys.argv[1]), {})
"""


def test_a_read_only_log_is_named_and_unchanged():
    folder = Path(tempfile.mkdtemp())  # unlike tmp_path, its parents are open to every user
    try:
        path = log_of(folder, 2)
        before = path.read_bytes()
        for file in (path, path.parent, folder):
            file.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READER, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert "DiskError: Permission denied." in done.stderr
        assert f"where: {path}" in done.stderr
        assert path.read_bytes() == before
    finally:
        for file in (folder, folder / ".lineage"):
            file.chmod(0o755)
        shutil.rmtree(folder)
