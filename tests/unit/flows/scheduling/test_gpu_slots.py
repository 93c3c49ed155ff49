"""GPU slots: a limit over threads and processes, and a GPU of its own for each stage."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.scheduling import gpu_slots
from flows.scheduling.gpu_slots import GpuSlots

HOLD = """\
import sys, time
from pathlib import Path
from flows.scheduling.gpu_slots import GpuSlots
with GpuSlots(1, folder=Path(sys.argv[1])).acquire():
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_stages_hold_different_gpus_and_wait_for_a_free_one(tmp_path):
    machine = GpuSlots(2, ("3", "5"), tmp_path)
    held: list[str] = []
    seen: list[set[str]] = []
    lock, both = threading.Lock(), threading.Event()

    def stage(_: int) -> None:
        with machine.acquire() as env:
            with lock:
                held.append(env["CUDA_VISIBLE_DEVICES"])
                seen.append(set(held))
                assert len(held) == len(set(held)), "two stages on one GPU"
                if len(held) == 2:
                    both.set()
            assert both.wait(60), "both at once"
            with lock:
                held.remove(env["CUDA_VISIBLE_DEVICES"])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(stage, range(6), timeout=120))
    assert len(seen) == 6
    assert {"3", "5"} in seen


@pytest.mark.slow
def test_two_stages_that_need_both_gpus_take_turns(tmp_path):
    machine = GpuSlots(2, ("0", "1"), tmp_path)
    got: list[str] = []

    def stage(_: int) -> None:
        with machine.acquire(2) as env:
            got.append(env["CUDA_VISIBLE_DEVICES"])
            time.sleep(0.05)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(stage, range(3), timeout=120))
    assert [sorted(devices.split(",")) for devices in got] == [["0", "1"]] * 3


@pytest.mark.slow
def test_a_slot_is_held_over_processes_and_ends_with_its_process(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        got = threading.Event()

        def stage() -> None:
            with GpuSlots(1, ("0",), tmp_path).acquire():
                got.set()

        thread = threading.Thread(target=stage, daemon=True)
        thread.start()
        assert not got.wait(0.6)
        other.kill()
        assert got.wait(60)
        thread.join(60)


@pytest.mark.parametrize(
    ("asked", "devices"), [("0,1", ("0", "1")), ("", ()), ("-1", ()), ("GPU-8932f937", ("GPU-8932f937",))]
)
def test_the_gpus_are_those_that_the_environment_allows(monkeypatch, asked, devices):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)
    gpu_slots.visible_devices.cache_clear()
    assert gpu_slots.visible_devices() == devices
    assert gpu_slots.local_slots(None).count == (len(devices) or None)
    assert gpu_slots.local_slots(3).count == 3
    gpu_slots.visible_devices.cache_clear()


def test_without_a_gpu_there_is_no_limit(tmp_path):
    with GpuSlots(None, folder=tmp_path).acquire() as first, GpuSlots(None, folder=tmp_path).acquire() as second:
        assert first == second == {}
