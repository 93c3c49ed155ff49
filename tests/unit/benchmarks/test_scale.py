"""Benchmarks of large projects: generator of recordings, measure of a command, copies of Prefect's rows."""

import sqlite3
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest
import soundfile

from benchmarks import generated_corpus, prefect_history, scale, stages
from tasks.corpora.icbhi.adapter import CORPUS
from tests import toy


def test_generated_recordings_are_a_corpus_in_icbhis_format(tmp_path):
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        generated_corpus.write(folder, 12, seed=1)
    names = sorted(path.stem for path in folders[0].glob("*.wav"))
    metadata = CORPUS.read_metadata(folders[0], names)
    assert (len(metadata.recordings), metadata.missing) == (12, {})
    assert {row["split"] for row in metadata.recordings.values()} == {"train", "test"}
    cycles = [cycle for name in names for cycle in CORPUS.read_cycles(folders[0] / f"{name}.txt", 20.0)]
    assert {(cycle.start_s, cycle.end_s) for cycle in cycles} == {(0, 2.5), (5, 7.5), (10, 12.5), (15, 17.5)}
    assert len({tuple(cycle.own.values()) for cycle in cycles}) == 4
    audio, rate = soundfile.read(folders[0] / f"{names[0]}.wav", dtype="int16")
    assert (len(audio) / rate, 1000 < np.abs(audio).max() < 32767) == (20, True)
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes()


# A process of its own: children of this one end at any moment, and their pages with them.
MAPPING = """
import mmap, sys
import psutil
from benchmarks import stages
before = stages.memory(psutil.Process())
with open(sys.argv[1], "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as pages:
    assert sum(pages[::4096]) == 0
    print(*before, *stages.memory(psutil.Process()))
"""


def test_pages_of_mapped_files_are_told_apart(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes(40_000_000))
    command = [sys.executable, "-c", MAPPING, file]
    printed = subprocess.run(command, cwd=toy.ROOT, capture_output=True, text=True, check=True).stdout
    resident, mapped, resident_after, mapped_after = map(int, printed.split())
    assert mapped_after - mapped > 39e6
    assert 39e6 < resident_after - resident < 60e6


def test_a_command_and_its_children_are_measured():
    burn = "sum(range(5 * 10**6))"
    used = stages.run(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{burn}'])"]
    )
    assert used.cpu > stages.run([sys.executable, "-c", "pass"]).cpu
    assert used.seconds > 0
    assert used.peak >= used.private
    assert stages.row("one", used).count("|") == stages.HEADER.partition("\n")[0].count("|")


def test_rows_of_a_run_are_copied_with_new_ids_at_an_earlier_time():
    one, other = (f"{digit * 8}-0000-0000-0000-{digit * 12}" for digit in "ab")
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE task_run (id, start, took, text, size AS (length(text)))")
        values = (
            one,
            "2026-11-29 05:00:00.500000",
            "1970-01-01 00:00:02.000000",
            f'{{"run": "{one}", "flow": "{other}"}}',
        )
        database.execute("INSERT INTO task_run VALUES (?, ?, ?, ?)", values)
        samples = {"task_run": prefect_history.sample_of(database, "task_run")}
        prefect_history.copy(database, samples, timedelta(hours=1))
        first, copied = database.execute("SELECT id, start, took, text FROM task_run").fetchall()
    assert first == values
    assert copied[0] != one
    assert copied[1:3] == ("2026-11-29 04:00:00.500000", values[2])
    assert copied[3] == values[3].replace(one, copied[0])


@pytest.mark.long  # all stages to a training: 20 s
def test_the_benchmark_runs_on_three_minutes_of_audio(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scale", str(tmp_path), "--hours", "0.1"])
    scale.main()
    printed = capsys.readouterr().out
    assert printed.count("\n| `") >= len(scale.STAGES)
    assert "18 recordings" in printed
    assert not list(tmp_path.iterdir())
