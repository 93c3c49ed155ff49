"""Traces with a long event log: one reading of the log, no slow imports, linear time."""

import shutil
import subprocess
import sys
import time

import pytest

from cli.audit.trace import answer
from lineage import events, log_lines
from tests.unit.lineage import large

QUESTIONS = (
    "score",
    "patient:102",
    "102_2b1_Al_sc_Litt3200",
    "102_2b1_Al_sc_Litt3200_000",
    "data/student/1",
    "fbank@icbhi-ast",
)
SLOW = (
    "pandas",
    "filelock",
    "torch",
    "sklearn",
    "matplotlib",
    "dvc",
    "prefect",
    "great_expectations",
    "polars",
)


@pytest.fixture(scope="module")
def long_log(small_project, tmp_path_factory):
    root = shutil.copytree(small_project, tmp_path_factory.mktemp("long") / "project")
    large.lengthen_log(root, 10_000)
    assert (len(events.read(root)), events.check(root)) == (10_000, [])
    return root


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_trace_reads_a_log_of_10000_entries_once_and_in_time(long_log, monkeypatch, question):
    reads = []
    entries = log_lines.entries
    monkeypatch.setattr(log_lines, "entries", lambda log: reads.append(log) or entries(log))
    began = time.process_time()
    found = answer(long_log, question)
    took = time.process_time() - began
    assert found.nodes
    assert not [note for note in found.notes if "log" in note]
    assert len(reads) == 1
    assert took < 2, "seconds of the processor; 0.3 on a quiet one"


@pytest.mark.slow
@pytest.mark.parametrize("question", ["score", "102_2b1_Al_sc_Litt3200_000"])
def test_a_trace_imports_nothing_slow(small_project, question):
    script = "import sys; from cli.audit.trace import answer; from pathlib import Path; "
    script += f"answer(Path(), {question!r}); print([name for name in {SLOW} if name in sys.modules])"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(large.small.ROOT)!r}); {script}"]
    done = subprocess.run(command, cwd=small_project, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
