"""The flow on a toy project, with a real Prefect server, real DVC and real processes."""

import os
import signal
import sys
from importlib.util import find_spec

import psutil
import pytest

from flows.processes.files_in_use import UNSUPPORTED
from tests import toy
from tests.pipeline.commands import breathline, ended, finish, group, noted, succeed

TERM = pytest.param(signal.SIGTERM, marks=pytest.mark.long)
# a and b are independent, and each ends once the other one has begun; last needs both.
PARALLEL = """\
stages:
  a:
    cmd: touch a.begun && until test -e b.begun; do sleep 0.1; done && date +%s%N > a.time
    outs: [a.time]
  b:
    cmd: touch b.begun && until test -e a.begun; do sleep 0.1; done && date +%s%N > b.time
    outs: [b.time]
  last:
    cmd: cat a.time b.time > last.times
    deps: [a.time, b.time]
    outs: [last.times]
"""
BROKEN = """\
stages:
  bad:
    cmd: echo x >> tries && echo the cause && exit 1
    outs: [bad.txt]
  after:
    cmd: cp bad.txt after.txt
    deps: [bad.txt]
    outs: [after.txt]
  side:
    cmd: echo > side.txt
    outs: [side.txt]
"""
# Fails twice: at first as a stage does whose server does not answer, then as one that has met its match.
FLAKY = """\
stages:
  flaky:
    cmd: echo x >> tries; mkdir -p .locks; test $(wc -l < tries) = 1 && touch .locks/flaky.transient; exit 1
    outs: [flaky.txt]
"""
ENDLESS = """\
stages:
  endless:
    cmd: echo $$ > pid && sleep 300 && echo > out
    outs: [out]
"""
ONE = """\
stages:
  one:
    cmd: echo > one.txt
    outs: [one.txt]
"""
# A proxy at which nothing answers.
DEAD_PROXY = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
DEAD_PROXY |= {"NO_PROXY": "", "no_proxy": ""}


def test_independent_stages_run_side_by_side_and_dvc_has_nothing_left_to_do(tmp_path, server):
    """The server on loopback is reached although the environment names a proxy that is dead."""
    folder = toy.make(tmp_path, PARALLEL)
    printed = succeed(breathline(folder, server | DEAD_PROXY, "run", "--jobs", "2"))
    assert "3 ran" in printed
    first = (folder / "a.time").read_text()
    assert (folder / "last.times").read_text().startswith(first)
    assert "up to date" in toy.call(folder, "dvc", "repro")

    printed = toy.call(folder, "breathline", "run", env=server)
    assert "All stages are up to date" in printed

    toy.call(folder, "breathline", "run", "--force", "a", "--target", "a", "--jobs", "1", env=server)
    assert int((folder / "a.time").read_text()) > int(first)


def test_a_failed_stage_tells_the_cause_is_not_retried_and_the_others_run(tmp_path, server):
    folder = toy.make(tmp_path, BROKEN)
    printed = toy.call(folder, "breathline", "run", "--jobs", "1", status=1, env=server)
    assert "Failed: bad. Not run: after." in printed
    assert "| the cause" in printed
    assert (folder / "tries").read_text() == "x\n"
    assert (folder / "side.txt").exists()
    assert not (folder / "after.txt").exists()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGKILL, marks=pytest.mark.long), TERM])
def test_the_server_that_a_run_starts_for_itself_goes_with_it(tmp_path, number):
    folder = toy.make(tmp_path / "project", ENDLESS)
    env = {name: value for name, value in toy.ENV.items() if name != "PREFECT_API_URL"}
    own = env | {"PREFECT_HOME": str(tmp_path / "home")}
    process = breathline(folder, own, "run", start_new_session=True)
    noted(folder / "pid", process)
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("uvicorn" in " ".join(one.cmdline()) for one in family)
    os.killpg(process.pid, number)  # to the whole group, as `timeout` sends it
    status, printed = finish(process)
    assert status == -number, printed
    assert "defect" not in printed
    assert number == signal.SIGKILL or printed.splitlines()[-1] == "Terminated."
    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_a_stage_that_is_none_cannot_be_sent_to_a_worker(tmp_path):
    printed = toy.call(toy.make(tmp_path), "breathline", "run", "--on", "teecher=gpu", status=1)
    assert "There is no stage `teecher`" in printed


def test_what_may_pass_is_tried_again_and_nothing_else(tmp_path, server):
    folder = toy.make(tmp_path, FLAKY)
    printed = toy.call(folder, "breathline", "run", status=1, env=server)
    assert "Failed: flaky." in printed
    assert (folder / "tries").read_text() == "x\nx\n"


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGKILL, TERM])
def test_no_stage_outlives_its_flow(tmp_path, server, number):
    folder = toy.make(tmp_path, ENDLESS)
    process = breathline(folder, server, "run")
    stage = noted(folder / "pid", process)
    family = group(stage)
    assert len(family) >= 3, "the guard, dvc and the stage"
    process.send_signal(number)
    status, printed = finish(process)
    assert status != 0, printed
    assert ended(family)
    assert not (folder / "out").exists()


@pytest.mark.long  # a server of its own takes 20 s
def test_a_temporary_server_is_reached_without_the_proxy_of_the_environment(tmp_path):
    folder = toy.make(tmp_path, ONE)
    own = toy.ENV | DEAD_PROXY | {"PREFECT_HOME": str(tmp_path / "prefect")}
    assert "1 ran" in succeed(breathline(folder, own, "run"))


@pytest.mark.long  # a run: 5 s
def test_a_dvc_whose_list_of_files_in_use_is_not_known_is_named_once(tmp_path, server):
    folder = toy.make(tmp_path, BROKEN.replace(" && exit 1", " && echo > bad.txt"))
    unknown = "from dvc import rwlock; rwlock._edit_rwlock = None; from cli.main import app; app()"
    printed = toy.call(folder, sys.executable, "-c", unknown, "run", env=server)
    assert "3 ran" in printed
    assert printed.count(UNSUPPORTED) == 1


@pytest.mark.skipif(find_spec("socksio") is not None, reason="socksio is installed")
def test_a_socks_proxy_without_its_package_is_one_line(tmp_path, server):
    folder = toy.make(tmp_path, ONE)
    status, printed = finish(breathline(folder, server | {"ALL_PROXY": "socks5://127.0.0.1:9"}, "run"))
    assert status == 1
    assert "ALL_PROXY names a SOCKS proxy, and the package socksio is missing." in printed
    assert "Traceback" not in printed
