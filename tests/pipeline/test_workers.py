"""Stages on other workers: a Prefect server, two process workers with clones of their own, a Git and a DVC remote."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State, StateType

from flows.deployments import pools, register
from tests import toy
from tests.pipeline import runs
from tests.pipeline.commands import breathline, ended, finish, group, noted, succeed

# Each remote stage starts a flow run of its own: 5 to 10 s, a minute in all, beside what the server takes to start.
# With ten other programs on two cores it is three minutes, and one for the server.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TIMEOUT_S = 600

ROOT = Path(__file__).parents[2]
BOTH = ("download@demo", "extract@demo")
# `heavy` and `light` are independent. What `heavy` leaves to Git, DVC's run-cache does not carry.
GRAPH = """\
stages:
  source:
    cmd: {note} && tr a-z A-Z < src.txt > source.txt
    deps: [src.txt]
    outs: [source.txt]
  heavy:
    cmd: >-
      {note} && mkdir -p data/heavy plots && cat code/add.txt source.txt > data/heavy/model &&
      echo '{{"rho": '$(grep -o '0[.].*' params.yaml)'}}' > heavy.json && echo x,y > plots/a.csv
    deps: [source.txt, code]
    params: [rho]
    outs: [data/heavy, {{heavy.json: {{cache: false}}}}]
    plots: [plots/a.csv: {{cache: false}}]
  light:
    cmd: {note} && wc -l < source.txt > light.txt
    deps: [source.txt]
    outs: [light.txt]
  last:
    cmd: {note} && cat data/heavy/model light.txt heavy.json > last.txt
    deps: [data, light.txt, heavy.json]
    outs: [last.txt]
  moment:
    cmd: {note} && date +%s%N > moment.txt
    deps: [source.txt]
    outs: [moment.txt]
  bad:
    cmd: cat source.txt && echo the cause && exit 1
    deps: [source.txt]
    outs: [bad.txt]
  endless:
    cmd: echo $$ > {pid} && sleep 300 && echo > endless.txt
    deps: [source.txt]
    outs: [endless.txt]
"""
NOTE = "echo $DVC_STAGE $PWD >> {file}"
ON = ("--on", "heavy=gpu", "--on", "light=cpu")


def start_worker(pool: str, folder: Path, server: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool]
    env = server | {"BREATHLINE_CLONES": str(folder), "PREFECT_WORKER_QUERY_SECONDS": "1"}
    with (folder / "worker.log").open("w") as log:
        return subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)


def ran(project: Path) -> dict[str, list[str]]:
    """Return the folders in which each stage has run so far."""
    lines = (project.parent / "where").read_text().split("\n")[:-1]
    found: dict[str, list[str]] = {}
    for line in lines:
        stage, folder = line.split()
        found.setdefault(stage.split(":")[-1], []).append(folder)
    return found


@pytest.fixture(scope="module")
def clones(server, tmp_path_factory) -> Iterator[dict[str, Path]]:
    """Start a worker for each of two pools; yield where they keep their clones."""
    with get_client(sync_client=True) as client:
        list(pools.ensure(client, Path(), [pools.Pool("cpu"), pools.Pool("gpu")]))
    list(register.deploy_workers(["cpu", "gpu"]))
    folders = {pool: tmp_path_factory.mktemp(pool) for pool in ("cpu", "gpu")}
    workers = [start_worker(pool, folder, server) for pool, folder in folders.items()]
    yield folders
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.wait(timeout=180)


def commit_with_remotes(folder: Path) -> str:
    """Give a project its remotes, beside its folder, and return its first commit."""
    origin = str(folder.parent / "origin.git")
    toy.call(folder, "git", "init", "--quiet", "--bare", origin)
    toy.call(folder, "git", "remote", "add", "origin", origin)
    toy.call(folder, "dvc", "remote", "add", "--default", "store", str(folder.parent / "store"))
    return toy.commit(folder, "start")


@pytest.fixture
def project(tmp_path) -> Path:
    """Return a project with its remotes and one commit; parameters are changed since."""
    note = NOTE.format(file=tmp_path / "where")
    folder = toy.make(tmp_path / "project", GRAPH.format(note=note, pid=tmp_path / "pid"))
    (folder / "code").mkdir()
    (folder / "code" / "add.txt").write_text("added\n")
    commit_with_remotes(folder)
    (folder / "params.yaml").write_text("rho: 0.1\n")
    return folder


def test_stages_run_in_their_workers_clones_and_come_back_as_if_run_here(project, server, clones):
    toy.call(project, "breathline", "run", "--target", "last", *ON, env=server)
    where = ran(project)
    assert where["source"] == where["last"] == [str(project)]
    assert [Path(folder).is_relative_to(clones["gpu"]) for folder in where["heavy"]] == [True]
    assert [Path(folder).is_relative_to(clones["cpu"]) for folder in where["light"]] == [True]
    assert toy.call(project, "git", "ls-remote", "origin") == ""
    assert toy.call(project, "git", "for-each-ref", "refs/breathline") == ""

    alone = shutil.copytree(project, project.parent / "alone", symlinks=True)
    for out in ("last.txt", "light.txt", "heavy.json", "dvc.lock"):
        (alone / out).unlink()
    for out in ("data", ".dvc/cache"):
        shutil.rmtree(alone / out)
    toy.call(alone, "dvc", "repro", "last")
    for out in ("last.txt", "light.txt", "heavy.json", "plots/a.csv", "data/heavy/model"):
        assert (project / out).read_bytes() == (alone / out).read_bytes(), out
    assert runs.locked(project) == runs.locked(alone)

    # DVC alone takes what came for its own.
    before = ran(project)
    assert "didn't change" in toy.call(project, "dvc", "repro", "last")
    ignored = toy.call(project, "git", "check-ignore", "data/heavy", "light.txt", "heavy.json", "plots/a.csv")
    assert ignored.split() == ["data/heavy", "light.txt"]
    (project / "light.txt").unlink()
    toy.call(project, "dvc", "repro", "last")
    assert ran(project) == before


@pytest.mark.long
def test_what_a_forced_stage_has_made_comes_back_though_dvc_knows_an_older_result(project, server, clones):
    moments = []
    for options in ((), ("--force", "moment")):
        asked = ("run", "--target", "moment", *options, "--on", "moment=gpu")
        succeed(breathline(project, server, *asked))
        moments.append(int((project / "moment.txt").read_text()))
        assert "didn't change" in toy.call(project, "dvc", "repro", "--single-item", "moment")
    assert moments[0] < moments[1]
    assert len(ran(project)["moment"]) == 2


@pytest.mark.long
def test_a_record_comes_from_a_worker_with_the_events_of_its_run(server, clones, tmp_path):
    folder = toy.checkout(ROOT, tmp_path / "project")
    runs.edit(folder, lambda params: params["corpora"]["demo"]["demo"].update(patients=4))
    commit = commit_with_remotes(folder)
    runs.edit(folder, lambda params: params["corpora"]["demo"]["demo"].update(seed=7))
    asked = ("run", "--target", "extract", "--on", "download=cpu")
    succeed(breathline(folder, server, *asked), timeout_s=TIMEOUT_S)

    download, extract = (json.loads((folder / f"data/lineage/{stage}.json").read_text()) for stage in BOTH)
    assert download["git"]["commit"] == extract["git"]["commit"] == commit
    assert (download["git"]["dirty"], "seed: 7" in download["git"]["diff"]) == (True, True)
    log = [json.loads(line) for line in (folder / ".lineage/events.jsonl").read_text().splitlines()]
    assert [entry["stage"] for entry in log if entry["event"] == "start"] == list(BOTH)
    assert ["adopted" in entry for entry in log] == [True, True, False, False]
    assert len({entry["flow_run"] for entry in log if entry["event"] == "start"} - {None}) == 1
    verified = json.loads(toy.call(folder, "breathline", "audit", "verify", "--json"))
    assert {found["kind"] for found in verified["findings"]} <= {"git-dirty", "git-dirty-run", "stage-not-run"}

    # What DVC's run-cache gives a worker ran nowhere: the log tells that, too.
    for name in (".lineage/events.jsonl", ".lineage/head.json", "data/lineage/download@demo.json"):
        (folder / name).unlink()
    succeed(breathline(folder, server, "run", "--target", "download", "--on", "download=gpu"))
    begun, only = (json.loads(line) for line in (folder / ".lineage/events.jsonl").read_text().splitlines())
    assert (begun["event"], only["event"], only["stage"]) == ("begun", "restored", "download@demo")


@pytest.mark.long
def test_a_project_in_a_folder_of_a_larger_repository_runs_on_its_workers(tmp_path, server, clones):
    top = tmp_path / "lab"
    folder = toy.make(top / "sounds", GRAPH.format(note=NOTE.format(file=top / "where"), pid=tmp_path / "pid"), top=top)
    (folder / "code").mkdir()
    (folder / "code" / "add.txt").write_text("added\n")
    (folder / "params.yaml").write_text("rho: 0.1\n")
    commit_with_remotes(folder)
    succeed(breathline(folder, server, "run", "--target", "last", *ON), timeout_s=TIMEOUT_S)
    where = ran(folder)
    assert where["last"] == [str(folder)]
    assert [Path(place).is_relative_to(clones["gpu"]) for place in where["heavy"]] == [True]
    assert where["heavy"][0].endswith("/sounds")
    assert (folder / "last.txt").read_text().startswith("added\nSOURCE\n")
    assert json.loads((folder / "heavy.json").read_text()) == {"rho": 0.1}


@pytest.mark.long
def test_what_another_worker_has_made_is_not_made_again(project, server, clones):
    succeed(breathline(project, server, "run", "--target", "light", "--on", "light=cpu"))
    (project / "light.txt").unlink()
    shutil.rmtree(project / ".dvc" / "cache")
    succeed(breathline(project, server, "run", "--target", "light", "--on", "light=gpu"))
    assert (project / "light.txt").exists()
    assert len(ran(project)["light"]) == 1


@pytest.mark.long
def test_a_failing_stage_tells_the_cause_here(project, server, clones):
    status, printed = finish(breathline(project, server, "run", "--target", "bad", "--on", "bad=cpu"))
    assert status == 1
    assert "Failed: bad." in printed
    assert "On a worker of the pool cpu: The stage bad failed." in printed
    assert printed.count("| the cause") == 1
    assert "bad" not in runs.locked(project)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ending_the_caller_ends_the_stage_on_its_worker(project, server, clones, number):
    process = breathline(project, server, "run", "--target", "endless", "--on", "endless=gpu")
    stage = noted(project.parent / "pid", process)
    assert Path(stage.cwd()).is_relative_to(clones["gpu"])
    family = group(stage)
    process.send_signal(number)
    status, printed = finish(process)
    assert status != 0, printed
    if number == signal.SIGKILL:
        report_lost()
    else:
        assert toy.call(project, "git", "ls-remote", "origin") == ""
    assert ended(family)


def report_lost() -> None:
    """Tell the server what its automation would, once a killed run gives no sign of life."""
    with get_client(sync_client=True) as client:
        running = FlowRunFilter(state={"type": {"any_": ["RUNNING"]}})
        (found,) = [run for run in client.read_flow_runs(flow_run_filter=running) if run.name == "params.yaml: endless"]
        client.set_flow_run_state(found.id, State(type=StateType.CRASHED, name="Lost"))


@pytest.mark.long
def test_what_a_worker_could_not_have_is_named(project, server, clones):
    (project / "code" / "new.txt").write_text("not in Git\n")
    status, printed = finish(breathline(project, server, "run", "--target", "heavy", *ON))
    assert status == 1
    assert "code/new.txt" in printed
    assert "`git add` them" in printed
    toy.call(project, "git", "add", "code/new.txt")
    toy.call(project, "git", "remote", "remove", "origin")
    status, printed = finish(breathline(project, server, "run", "--target", "heavy", *ON))
    assert status == 1
    assert "no Git remote" in printed
    assert "heavy" not in ran(project)
