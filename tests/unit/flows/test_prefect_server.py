"""The temporary Prefect server ends with the process that started it, also while the server starts."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows import prefect_folder, prefect_server
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[3]
START = """
import sys
from flows import prefect_server
never_ready = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
prefect_server.SERVER = [sys.executable, "-c", never_ready]
prefect_server.ensure()
"""


def test_a_folder_of_prefect_that_cannot_be_written_is_refused_before_a_server_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(prefect_server, "check", lambda: None)
    (tmp_path / "file").touch()
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "file" / "prefect"))
    with pytest.raises(BreathlineError, match=r"cannot write into its folder: Not a directory\.\n(.|\n)*PREFECT_HOME"):
        prefect_server.ensure()
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "new"))
    prefect_folder.check()


@pytest.mark.long  # starts a process that imports Prefect, about 5 s
def test_a_kill_while_the_server_starts_ends_the_server(tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    env |= {"PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, env=env, stdout=subprocess.PIPE) as process:
        server = psutil.Process(int(process.stdout.readline()))
        while len(process_children := psutil.Process(process.pid).children()) < 2:
            assert process.poll() is None
        process.kill()
    assert psutil.wait_procs([server, *process_children], timeout=60)[1] == []
