"""`extract` and `fbank` over a real Dask cluster: the bytes of threads and processes, and nothing left when it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pytest
from distributed import Client

from tasks.artifacts import CorpusFolders
from tasks.runtime.files import sha256
from tests import toy
from tests.pipeline import runs
from tests.unit.tasks.test_fbank import lay_out, waveforms

# Each stage over Dask starts a flow, and a cluster whose processes import Prefect and torch: 10 to 20 s on two cores.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXTRACT = f"extract@{runs.CORPUS}"
STAGES = (EXTRACT, f"fbank@{runs.CORPUS}-ast")


def start(folder: Path, env: Mapping[str, str], runner: str, *stage: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cli.stage", *stage]
    settings = {**env, "COLUMNS": "200", "BREATHLINE_TASK_RUNNER": runner}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=settings, stderr=pipe, text=True, start_new_session=True)


def run(folder: Path, env: Mapping[str, str], runner: str, *stage: str) -> tuple[int, str]:
    with start(folder, env, runner, *stage) as process:
        _, printed = process.communicate(timeout=300)
    return process.returncode, printed


def session(pid: int) -> list[psutil.Process]:
    """Return the processes of a session that are more than zombies."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory, server: dict[str, str]) -> dict[str, str]:
    """Return the environment of stages and workers that run the code as it stands now, whatever is edited meanwhile."""
    code = toy.checkout(ROOT, tmp_path_factory.mktemp("code"))
    return {**server, "PYTHONPATH": str(code)}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """Return a project with a few demo recordings, as `download` leaves it."""
    folder = tmp_path_factory.mktemp("dask") / "Projekt ü"
    folder.mkdir()
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    runs.edit(folder, runs.small)
    status, printed = run(folder, env, "threads", f"download@{runs.CORPUS}")
    assert status == 0, printed
    return folder


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Iterator[str]:
    """Yield the address of a cluster that was there before the stage; its workers have another working directory."""
    folder = tmp_path_factory.mktemp("cluster")
    known = folder / "scheduler.json"
    shared = ["--scheduler-file", str(known), "--host", "127.0.0.1"]
    parts = (
        ["dask_scheduler", *shared, "--port", "0", "--dashboard-address", "127.0.0.1:0"],
        ["dask_worker", *shared, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"],
    )
    processes = []
    try:
        for part, *options in parts:
            command = [sys.executable, "-m", f"distributed.cli.{part}", *options]
            processes.append(subprocess.Popen(command, cwd=folder, env=env))
        with Client(scheduler_file=str(known), timeout=240) as client:
            client.wait_for_workers(2, timeout=240)
        yield str(json.loads(known.read_text())["address"])
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(timeout=120)


def project(corpus: Path, folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "data/raw").symlink_to(corpus / "data/raw")
    (folder / "params.yaml").write_bytes((corpus / "params.yaml").read_bytes())
    return folder


def written(folder: Path, env: dict[str, str], runner: str, stages: Sequence[str] = STAGES) -> dict[str, str]:
    """Run stages and return the SHA-256 of each file that they wrote."""
    for stage in stages:
        status, printed = run(folder, env, runner, stage)
        assert status == 0, printed
    files = [*folder.glob("data/extracted/**/*"), *folder.glob("data/waveforms/**/*"), *folder.glob("data/fbank/**/*")]
    return {str(path.relative_to(folder)): sha256(path) for path in files if path.is_file()}


@pytest.fixture(scope="module")
def by_threads(tmp_path_factory: pytest.TempPathFactory, corpus: Path, env: dict[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each file that the stages write without Dask."""
    return written(project(corpus, tmp_path_factory.mktemp("threads") / "project"), env, "threads")


def test_a_running_cluster_extracts_the_same_bytes(tmp_path, corpus, scheduler, env):
    by_threads = written(project(corpus, tmp_path / "threads"), env, "threads", [EXTRACT])
    assert f"data/extracted/{runs.CORPUS}/cycles.parquet" in by_threads
    assert written(project(corpus, tmp_path / "dask"), env, f"dask:{scheduler}", [EXTRACT]) == by_threads


@pytest.mark.long
@pytest.mark.parametrize("runner", ["a running cluster", "processes", "dask"])
def test_threads_processes_and_dask_write_equal_bytes(tmp_path, corpus, request, env, runner):
    by_threads, scheduler = (request.getfixturevalue(name) for name in ("by_threads", "scheduler"))
    assert {f"data/extracted/{runs.CORPUS}/cycles.parquet", f"{runs.FEATURES}/features.npy"} <= by_threads.keys()
    address = f"dask:{scheduler}" if runner == "a running cluster" else runner
    assert written(project(corpus, tmp_path / "project"), env, address) == by_threads


def test_a_fault_in_a_recording_is_told_as_without_dask(tmp_path, corpus, scheduler, env):
    folder = project(corpus, tmp_path / "project")
    (folder / "data/raw").unlink()
    (folder / runs.AUDIO).mkdir(parents=True)
    for path in [*corpus.glob(f"{runs.RAW}/*"), *corpus.glob(f"{runs.AUDIO}/*")]:
        if path.name != "audio":
            (folder / path.relative_to(corpus)).symlink_to(path)
    broken = sorted(folder.glob(f"{runs.AUDIO}/*.wav"))[5]
    broken.unlink()
    broken.write_bytes(b"no wav")
    told = {}
    for runner in ("threads", f"dask:{scheduler}"):
        status, printed = run(folder, env, runner, EXTRACT)
        assert status == 1, printed
        assert "Traceback" not in printed
        told[runner] = printed[printed.index(f"{EXTRACT} failed") :]
    assert f"{broken.name} is a text in UTF-8, not audio" in told["threads"]
    assert len(set(told.values())) == 1, told


def test_workers_with_other_code_are_refused(tmp_path, corpus, scheduler, env):
    def outdate(code: str | None) -> str:
        from flows import dask_map

        before, dask_map.CODE = dask_map.CODE, code or dask_map._code()
        return before

    folder = project(corpus, tmp_path / "project")
    with Client(scheduler) as client:
        client.run(outdate, "of last week")
        try:
            status, printed = run(folder, env, f"dask:{scheduler}", EXTRACT)
        finally:
            client.run(outdate, None)
    assert status == 1
    assert "other code" in printed
    assert "restart the workers" in printed


@pytest.mark.long  # it starts a cluster of its own
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stage_that_is_killed_in_the_middle_leaves_no_process_and_no_out(tmp_path, env, number):
    corpus = CorpusFolders("training", runs.CORPUS)
    for made, folder in zip(
        lay_out(tmp_path / "made", waveforms([9_000] * 800)), (corpus.tables, corpus.waveforms), strict=True
    ):
        (tmp_path / folder).mkdir(parents=True)
        made.rename(tmp_path / folder / made.name)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    runs.edit(tmp_path, lambda params: params["corpora"].update({runs.CORPUS: params["corpora"].pop("demo")}))
    runs.edit(tmp_path, lambda params: params["frontends"].update(ast={"duration_s": 8.0}))
    out = tmp_path / runs.FEATURES
    process = start(tmp_path, env, "dask", f"fbank@{runs.CORPUS}-ast")
    while not any(path.stat().st_size > 1_000_000 for path in out.glob(".features*")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    alive = session(process.pid)
    assert len(alive) >= 3, "the stage and two workers"
    process.send_signal(number)  # to the stage alone: its cluster has to notice by itself
    process.communicate(timeout=180)
    assert process.returncode != 0
    deadline = time.monotonic() + 60
    while left := session(process.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert not (out / "features.npy").exists()
