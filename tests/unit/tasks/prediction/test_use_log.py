"""Log of use: what an entry holds, and what other processes, a kill or a full disk leave of the file."""

import itertools
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.monitoring import log_reading
from tasks.prediction import use_entries, use_log
from tasks.runtime.disk_errors import DiskError
from tasks.runtime.errors import BreathlineError
from tests import toy

SHA = "ab" * 32


@dataclass
class Outcome:
    decision: str
    predicted: str | None
    confidence: float | None
    distance: float | None = None
    abnormal: bool | None = None


def entry(number: int = 0, **values: object) -> use_entries.Entry:
    segments = [
        Outcome("judged", "normal", 0.91, abnormal=False),
        Outcome("uncertain", "wheeze", 0.4),
        Outcome("not_judged", None, None),
    ]
    known = {"model": "student@v1.0.0", "model_id": "0123456789abcdef", "user": "ward"}
    return use_entries.entry(segments, file_sha256=f"{number:064x}", seconds=7.5, sample_rate=4000, **known, **values)


def test_an_entry_has_counts_of_all_segments_and_a_sample_of_their_values():
    many = [
        Outcome("judged", "normal" if index % 4 else "crackle", index / 100, index, abnormal=index % 4 == 0)
        for index in range(100)
    ]
    found = use_entries.entry(many, file_sha256=SHA, model="m", model_id=None, user="ward")
    assert (found.segments, found.decisions, found.predicted) == (100, {"judged": 100}, {"crackle": 25, "normal": 75})
    assert found.abnormal_share == 0.25
    assert len(found.confidence) == len(found.distance) == use_entries.SAMPLE
    assert (found.confidence[0], found.confidence[-1]) == (0, 0.93)

    few = entry()
    assert (few.decisions, few.predicted) == (
        {"judged": 1, "not_judged": 1, "uncertain": 1},
        {"normal": 1, "wheeze": 1},
    )
    assert (few.abnormal_share, few.confidence, few.distance) == (0.0, [0.91, 0.4], [])


def test_a_file_without_a_class_has_no_share():
    found = use_entries.entry([Outcome("not_judged", None, None)], file_sha256=SHA, model="m", model_id=None)
    assert (found.abnormal_share, found.predicted, found.confidence) == (None, {}, [])


@pytest.mark.parametrize("name", ["use.jsonl", "use.parquet"])
def test_names_of_files_are_logged_only_if_they_are_given_and_others_cannot_read_the_log(name, tmp_path):
    use_log.append(tmp_path / name, [entry(1), entry(2, file_name="a.wav")])
    assert [one.file_name for _, one in log_reading.read(tmp_path / name).entries] == [None, "a.wav"]
    assert (tmp_path / name).stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("name", ["use.jsonl", "use.parquet"])
def test_entries_are_read_as_they_were_written(name, tmp_path):
    written = [entry(1), entry(2, level_dbfs=-31.5, centroid_hz=220.0, device="Meditron", file_name="a.wav")]
    use_log.append(tmp_path / "new" / name, written[:1])
    use_log.append(tmp_path / "new" / name, written[1:])
    use_log.append(tmp_path / "new" / name, [])
    found = log_reading.read(tmp_path / "new" / name)
    assert [one for _, one in found.entries] == written
    assert found.notes == ()


def append_many(path, number):
    for index in range(50):
        use_log.append(Path(path), [entry(1000 * number + index), entry(1000 * number + index + 500)])


@pytest.mark.slow  # four processes
def test_processes_that_append_at_once_lose_and_mix_nothing(tmp_path):
    path = tmp_path / "use.jsonl"
    program = f"import sys; from {__name__} import append_many; append_many(sys.argv[1], int(sys.argv[2]))"
    command = [sys.executable, "-c", program, str(path)]
    processes = [subprocess.Popen([*command, str(number)], cwd=toy.ROOT) for number in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    found = log_reading.read(path)
    assert len({one.file_sha256 for _, one in found.entries}) == 400
    assert found.notes == ()
    lines = [json.loads(line)["file_sha256"] for line in path.read_text().splitlines()]
    assert all(int(two, 16) - int(one, 16) == 500 for one, two in zip(lines[::2], lines[1::2], strict=True))


def test_a_torn_last_line_is_told_and_the_next_entry_is_whole(tmp_path):
    path = tmp_path / "use.jsonl"
    use_log.append(path, [entry(1), entry(2)])
    os.truncate(path, path.stat().st_size - 20)  # as a killed process, or a machine without power, leaves it
    found = log_reading.read(path)
    assert len(found.entries) == 1
    (note,) = found.notes
    assert note.startswith("use.jsonl: 1 line without an entry left out (2): a process ended while it wrote")
    use_log.append(path, [entry(3)])
    assert [int(one.file_sha256, 16) for _, one in log_reading.read(path).entries] == [1, 3]


def _append_until_killed(path, number):
    for index in itertools.count():
        use_log.append(path, [entry(1000 * number + index)] * 200)


@pytest.mark.slow
def test_killed_processes_leave_the_log_readable_and_appendable(tmp_path):
    path = tmp_path / "use.jsonl"
    for number in range(20):
        process = multiprocessing.get_context("fork").Process(target=_append_until_killed, args=(path, number))
        process.start()
        while not path.exists() or path.stat().st_size < 150_000 * number + 1:  # it writes, or has written
            time.sleep(0.001)
        process.kill()
        process.join(20)
    use_log.append(path, [entry(10**6)])
    found = log_reading.read(path)
    lines = len(path.read_bytes().splitlines())
    assert int(found.entries[-1][1].file_sha256, 16) == 10**6
    assert 0 <= lines - len(found.entries) <= 20


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path):
    path = tmp_path / "use.jsonl"
    use_log.append(path, [entry(1)])
    before = path.read_bytes()
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, resource.RLIM_INFINITY))
        try:
            use_log.append(path, [entry(2)])
        except DiskError as error:
            os._exit(0 if "largest size" in error.what else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "There is no log of use"),
        ("recording,predicted\na,normal\n", "no line is an entry"),
        ('{"format": 99}\n', "format 99"),
    ],
)
def test_a_file_that_is_no_log_is_refused_by_name(content, what, tmp_path):
    path = tmp_path / "use.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BreathlineError, match=what) as refused:
        log_reading.read(path)
    assert str(path) in str(refused.value)
    assert refused.value.hint


def test_an_empty_log_is_no_error(tmp_path):
    (tmp_path / "use.jsonl").touch()
    assert log_reading.read(tmp_path / "use.jsonl").entries == ()
