"""Checks of `breathline doctor`: variables, machine and packages, each with its fault."""

import http.server
import io
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cli.doctor import deep, machine, variables
from tasks.runtime import hardware
from tasks.sources import proxies
from tests import disks, toy
from tests.unit.cli.doctor_checks import by_topic, only, repository

ROOT = Path(__file__).parents[3]


VARIABLES = [
    (variables.cluster, {}, "ok", "no variables"),
    (variables.cluster, {"RANK": "1", "WORLD_SIZE": "2"}, "warning", "RANK=1, WORLD_SIZE=2"),
    (variables.cluster, {"RANK": "1", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "x"}, "ok", ""),
    (variables.cluster, {"SLURM_JOB_ID": "77"}, "ok", "SLURM job 77"),
    (variables.threads, {"OMP_NUM_THREADS": "1"}, "ok", "OMP_NUM_THREADS=1"),
    (variables.threads, {"OMP_NUM_THREADS": "4096"}, "warning", "4096"),
    (variables.threads, {"MKL_NUM_THREADS": "abc"}, "warning", "abc"),
    (variables.proxy, {"https_proxy": "http://me:secret@proxy:3128"}, "ok", "https_proxy=http://proxy:3128"),
    (variables.proxy, {"ALL_PROXY": "socks5://127.0.0.1:9"}, "problem", "socks5://127.0.0.1:9"),
    (variables.telemetry, {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}, "ok", "off"),
    (variables.telemetry, {}, "warning", "HF_HUB_DISABLE_TELEMETRY"),
    (variables.own_variables, {"BREATHLINE_WEIGHTS": "/none"}, "problem", "not a folder"),
    (variables.own_variables, {}, "ok", "not set"),
    (variables.prefect_server, {}, "ok", "none is set"),
    (variables.prefect_server, {"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "problem", "does not answer"),
    (variables.prefect_server, {"PREFECT_API_URL": "nonsense"}, "problem", "does not answer"),
    (variables.prefect_server, {"PREFECT_HOME": "/dev/null/x"}, "problem", "cannot write into its folder"),
    (machine.temporary_files, {"TMPDIR": "/nowhere"}, "warning", "TMPDIR=/nowhere is no folder that you can write"),
]


@pytest.mark.parametrize(("check", "env", "state", "words"), VARIABLES)
def test_variables_are_judged(check, env, state, words, monkeypatch, tmp_path):  # noqa: PLR0917 - a table's columns
    for name in (*variables.CLUSTER, *variables.THREADS, *proxies.variables(), "TORCHELASTIC_RUN_ID", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("PREFECT_API_URL", "DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY", "BREATHLINE_WEIGHTS", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(proxies, "find_spec", lambda _: None)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    found = only(check, tmp_path)
    assert (found.state, words in found.found) == (state, True), found
    assert "secret" not in found.found
    assert (found.state == "ok") == (not found.advice)


@pytest.mark.slow
def test_a_server_of_a_profile_is_asked_without_the_proxy(monkeypatch, tmp_path):
    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, *_):
            return

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with http.server.HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/api"
        profile = f'active = "here"\n[profiles.here]\nPREFECT_API_URL = "{url}"\n'
        (tmp_path / "profiles.toml").write_text(profile, encoding="utf-8")
        found = only(variables.prefect_server, tmp_path)
        server.shutdown()
    assert (found.state, found.found) == ("ok", f"{url} ({tmp_path / 'profiles.toml'})")


def test_a_terminal_without_unicode_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert only(variables.encoding, tmp_path).state == "warning"


@pytest.mark.parametrize(
    ("mask", "state"), [(0o022, "ok"), (0o002, "ok"), (0o077, "ok"), (0, "warning"), (0o277, "problem")]
)
def test_the_umask_is_judged_and_kept(mask, state, tmp_path):
    before = os.umask(mask)
    try:
        assert only(machine.umask, tmp_path).state == state
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


@pytest.mark.parametrize(("years", "state"), [(0, "ok"), (1, "warning"), (-11, "warning")])
def test_a_clock_far_from_the_last_commit_is_a_warning(years, state, monkeypatch, tmp_path):
    folder = repository(tmp_path)
    date = f"{int(time.time() + years * 365.25 * 86400)} +0000"
    env = toy.ENV | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], cwd=folder, env=env, check=True)
    assert only(machine.clock, folder).state == state


def test_the_limits_of_a_container_count(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "CGROUP", tmp_path)
    for name, text in {"memory.max": "3000000000", "memory.current": "1000000000", "cpu.max": "50000 100000"}.items():
        (tmp_path / name).write_text(f"{text}\n", encoding="ascii")
    assert only(machine.memory, tmp_path).found == "2.0 GB free"
    found = only(machine.cores, tmp_path)
    assert (found.state, "limited to the time of 0.5" in found.found) == ("warning", True)
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert only(machine.memory, tmp_path).found != "2.0 GB free"


DISKS = """
import json
from pathlib import Path
from cli.doctor import machine
print(json.dumps([(one.topic, one.state, one.found) for one in machine.disks(Path())]))
"""


@pytest.mark.slow
def test_a_disk_without_space_or_inodes_is_a_problem(tmp_path):
    folder = tmp_path
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (usual,) = machine.disks(folder)
    assert (usual.topic, usual.state) == ("disk", "ok")
    assert "the recordings of demo take about 2 GB" in usual.found
    disks.require_mounts()
    (folder / ".dvc/cache").mkdir(parents=True)
    mounted = 'mount -t tmpfs -o size=8m,nr_inodes=100 tmpfs .dvc/cache && exec "$@"'
    command = [*disks.prefix(), "sh", "-c", mounted, "sh", sys.executable, "-c", DISKS]
    done = subprocess.run(command, cwd=folder, env=toy.ENV, stdout=subprocess.PIPE, check=True)
    found = [(topic, state, words.rpartition(" for ")[2]) for topic, state, words in json.loads(done.stdout)]
    assert found[1:] == [
        ("disk", "problem", ".dvc/cache; the recordings of demo take about 1 GB there"),
        ("inodes", "problem", ".dvc/cache"),
    ]


def test_a_package_that_cannot_be_imported_is_a_problem_with_its_cause(monkeypatch, tmp_path):
    (tmp_path / "timm.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.setattr(deep, "PACKAGES", ("torch", "timm"))
    found = by_topic(deep.imports, tmp_path)
    assert found["torch"].state == "ok"
    assert (found["timm"].state, "nms does not exist" in found["timm"].found) == ("problem", True)
    monkeypatch.delitem(sys.modules, "timm", raising=False)


def test_a_device_that_calculates_wrongly_is_a_problem(monkeypatch, tmp_path):
    import torch

    assert only(deep.products, tmp_path).state == "ok"
    right = torch.Tensor.__matmul__
    monkeypatch.setattr(
        torch.Tensor, "__matmul__", lambda a, b: right(a, b) * (1.01 if a.dtype == torch.float32 else 1)
    )
    assert only(deep.products, tmp_path).state == "problem"


@pytest.mark.parametrize(
    ("capability", "built_for", "runs"),
    [
        ((9, 0), ["sm_80", "sm_90"], True),
        ((8, 9), ["sm_80", "sm_86"], True),
        ((7, 0), ["sm_75", "sm_80"], False),
        ((12, 0), ["sm_90"], False),
        ((12, 0), ["sm_90", "compute_90"], True),
        ((10, 3), ["sm_100", "sm_120"], True),
        ((6, 1), ["compute_70"], False),
        ((9, 0), ["sm_90a"], True),
    ],
)
def test_the_architectures_of_torch_are_compared_with_the_gpu(capability, built_for, runs):
    assert deep.is_built_for(capability, built_for) == runs
