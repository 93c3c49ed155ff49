"""Checks of `breathline doctor`, each on a machine or project with its fault; and the command as a whole."""

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

from cli.doctor import check_result, command, deep, installation, machine, project, variables
from cli.doctor.check_result import CheckResult
from tasks.runtime import hardware
from tasks.runtime.errors import BreathlineError
from tasks.sources import proxies
from tests import disks, toy

ROOT = Path(__file__).parents[3]
# Slow packages that only `--deep` imports.
HEAVY = {
    "torch",
    "torchaudio",
    "torchvision",
    "timm",
    "pandas",
    "great_expectations",
    "prefect",
    "sklearn",
    "transformers",
}
PROGRAM = f"""
import sys
from cli.main import app
try:
    app(["doctor", "--json"])
finally:
    print("heavy:", sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
"""


def only(check, root):
    """Return the one result of a check."""
    (found,) = check_result.run([check], root)
    return found


def repository(folder):
    """Return a new Git repository with one file and no commit."""
    toy.call(folder, "git", "init", "--quiet")
    (folder / "inner").mkdir()
    (folder / "inner/params.yaml").write_text("rho: 0\n", encoding="utf-8")
    return folder


def by_topic(check, root):
    return {found.topic: found for found in check_result.run([check], root)}


def test_nothing_slow_is_imported_and_a_right_project_has_no_problem(small_run):
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=small_run, env=toy.ENV, capture_output=True, check=False)
    assert b"heavy: []" in done.stderr
    found = {result["topic"]: result for result in json.loads(done.stdout)}
    # The small project has no environment and no recipes of its own; all else is in order there.
    assert [name for name, result in found.items() if result["state"] == "problem"] == ["recipes"]
    assert done.returncode == 1
    assert found["params.yaml"]["state"] == found["packages"]["state"] == found["disk"]["state"] == "ok"


def test_outside_a_project_every_check_has_a_result_and_the_status_is_1(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        command_line("--json")
    assert ended.value.code == 1
    printed = capsys.readouterr()
    states = {result["topic"]: result["state"] for result in json.loads(printed.out)}
    assert states["dvc"] == states["Git"] == states["packages"] == states["params.yaml"] == "problem"
    assert states["Python"] == states["CPU cores"] == "ok"
    assert "Traceback" not in printed.err


def command_line(*arguments):
    from cli.main import app

    app(["doctor", *arguments])


@pytest.mark.parametrize("width", [40, 80])
def test_results_fit_a_terminal_and_brackets_stay(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")
    advice = "pip install 'dvc[s3]', which is a rather long next step that needs a second line"
    command.show({"Machine": [CheckResult("memory", "ok", "3 GB"), CheckResult("remote", "problem", "[x]", advice)]})
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    assert "[x]" in printed
    assert "'dvc[s3]'" in printed
    assert "next: pip" in printed
    assert printed.endswith("1 ok, 0 warnings, 1 problem.\n")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (BreathlineError("Bad.", where="x:1", hint="do"), CheckResult("odd one", "problem", "Bad. (x:1)", "do")),
        (KeyError("a"), CheckResult("odd one", "problem", "cannot be checked: KeyError: 'a'")),
    ],
)
def test_a_check_that_fails_is_a_problem_and_the_others_run(error, shown, tmp_path):
    def odd_one(_root):
        raise error
        yield

    assert list(check_result.run([odd_one, installation.python], tmp_path))[:1] == [shown]
    assert len(list(check_result.run([odd_one, installation.python], tmp_path))) == 2


def test_versions_that_are_missing_or_differ_from_the_lock_are_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("typer==0.0.1 \\\n    --hash=sha256:0\nno-such-thing==1.0\n", encoding="utf-8")
    found = only(installation.packages, tmp_path)
    assert (found.state, "not installed: no-such-thing" in found.found) == ("problem", True)
    marked = "typer==0.0.1 \\\n    --hash=sha256:0\nno-such-thing==1.0 ; sys_platform == 'nowhere'\n"
    lock.write_text(marked, encoding="utf-8")
    found = only(installation.packages, tmp_path)
    assert (found.state, "locked ==0.0.1" in found.found) == ("warning", True)


def test_the_code_of_another_clone_is_a_problem(tmp_path):
    assert only(installation.code, ROOT).found == str(ROOT)
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/main.py").touch()
    assert only(installation.code, tmp_path).state == "problem"


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


def test_params_recipes_and_recordings_are_judged(tmp_path, monkeypatch):
    assert only(project.params, tmp_path).state == "problem"
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    params = tmp_path / "params.yaml"
    params.write_text(text, encoding="utf-8")
    assert only(project.params, tmp_path).state == "ok"
    assert only(project.recordings, tmp_path).state == "ok"
    params.write_text(text.replace("\nstudent:", "\nstudnet:"), encoding="utf-8")
    found = [one.found for one in check_result.run([project.params], tmp_path)]
    assert any("studnet" in fault for fault in found)
    moved = text.replace("    source: publisher\n", "    source: directory\n    path: gone\n")
    params.write_text(moved, encoding="utf-8")
    found = only(project.recordings, tmp_path)
    assert (found.state, found.found.endswith("gone, which does not exist")) == ("problem", True)
    uploaded = text.replace("source: publisher", "source: kaggle").replace("dataset: null", "dataset: o/n", 1)
    params.write_text(uploaded, encoding="utf-8")
    monkeypatch.setattr(project, "find_spec", lambda name: None if name == "kagglehub" else ROOT)
    found = only(project.recordings, tmp_path)
    assert (found.state, "source: kaggle o/n, whose library kagglehub" in found.found) == ("problem", True)

    (tmp_path / "recipes").mkdir()
    for name, content in {"good": "description: x\noverrides: {}\n", "bad": "overrides: [\n"}.items():
        (tmp_path / f"recipes/{name}.yaml").write_text(content, encoding="utf-8")
    states = [(one.state, one.found) for one in check_result.run([project.recipes], tmp_path)]
    assert [state for state, _ in states] == ["problem", "ok"]
    assert "bad.yaml" in states[0][1]


def test_git_without_commit_dirty_and_in_a_larger_repository(tmp_path):
    assert only(project.git, tmp_path).state == "problem"
    folder = repository(tmp_path)
    assert only(project.git, folder).found.endswith("no commit yet")
    toy.commit(folder, "x")
    assert only(project.git, folder).state == "ok"
    assert "folder inner/ of a larger repository" in only(project.git, folder / "inner").found
    (folder / "inner/params.yaml").write_text("rho: 1\n", encoding="utf-8")
    assert "1 file not committed" in only(project.git, folder).found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_a_problem_with_gits_command(tmp_path):
    folder = repository(tmp_path)
    for path in (folder, folder / ".git"):
        os.chown(path, 12345, 12345)
    found = only(project.git, folder)
    assert (found.state, "git config --global --add safe.directory" in found.advice) == ("problem", True), found


def test_other_line_ends_than_those_of_the_commit_are_a_warning(tmp_path):
    folder = repository(tmp_path)
    toy.commit(folder, "x")
    assert only(project.line_ends, folder).state == "ok"
    (folder / "inner/params.yaml").write_bytes(b"rho: 0\r\n")
    found = only(project.line_ends, folder)
    assert (found.state, "params.yaml" in found.found) == ("warning", True)


def test_dvc_its_cache_and_its_remote_are_judged(tmp_path, monkeypatch):
    folder = toy.make(tmp_path)
    monkeypatch.delenv("DVC_NO_ANALYTICS", raising=False)
    states = {topic: one.state for topic, one in by_topic(project.dvc, folder).items()}
    assert states == {"DVC": "ok", "DVC's cache": "ok", "DVC's remote": "ok", "telemetry of DVC": "warning"}
    # Hard links are a warning: a program that overwrites a file would change the cache.
    toy.call(folder, "dvc", "config", "cache.type", "hardlink,copy")
    toy.call(folder, "dvc", "remote", "add", "--default", "gone", str(tmp_path / "gone"))
    found = by_topic(project.dvc, folder)
    links = found["DVC's cache"]
    assert (links.state, links.found.split()[0], "reflink,copy" in links.advice) == ("warning", "hardlink", True)
    assert found["DVC's remote"].state == "warning"
    assert not list((folder / ".dvc" / "tmp").glob("*.tmp"))
    toy.call(folder, "dvc", "remote", "modify", "gone", "url", "s3://bucket")
    monkeypatch.setattr(project, "find_spec", lambda _: None)
    assert "pip install 'dvc[s3]'" in by_topic(project.dvc, folder)["DVC's remote"].advice
    (folder / ".dvc/config").write_text("[core\n", encoding="utf-8")
    assert by_topic(project.dvc, folder)["DVC"].state == "problem"


def test_a_linked_folder_of_outs_is_a_problem(tmp_path):
    assert only(project.links, tmp_path).state == "ok"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    assert only(project.links, tmp_path).state == "problem"


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
