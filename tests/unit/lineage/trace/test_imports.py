"""Imports of a trace: no slow library."""

import subprocess
import sys

from tests.unit.lineage import small


def test_a_trace_imports_no_slow_library(roots):
    code = (
        "import sys; from pathlib import Path; from cli.audit.trace import answer; from lineage.render import page;"
        "answer(Path('.'), 'score'); answer(Path('.'), 'patient:101');"
        "print(sorted({'torch', 'dvc', 'prefect', 'sklearn', 'scipy', 'polars', 'soundfile'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    env = {"PYTHONPATH": str(small.ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=roots("official"), env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
