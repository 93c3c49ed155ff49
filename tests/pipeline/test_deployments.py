"""`breathline deploy` on the session's server, and `breathline serve`.

The exhaustive tests take a server of their own, with a scheduler and automations.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling

from flows import prefect_server
from flows.deployments import pools
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.pipeline.commands import breathline, eventually, finish
from tests.pipeline.messages import Messages

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
GRAPH = """\
stages:
  bad:
    cmd: echo the cause && exit 1
    outs: [bad.txt]
  twice:
    cmd: test -e started || { touch started; echo $$ > pid; sleep 300; } && echo > out
    outs: [out]
  held:
    cmd: test -e free || { echo $$ > held.pid; sleep 300; } && echo > held.txt
    outs: [held.txt]
"""


@pytest.fixture(scope="module")
def whole_server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """Yield the environment of a server that has a scheduler and runs automations, unlike the one of the session."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        patch.delenv("PREFECT_API_URL", raising=False)
        with prefect_server.temporary(home / "server.log") as url:
            own = {"PREFECT_API_URL": url, "PREFECT_HOME": str(tmp_path_factory.mktemp("home"))}
            yield toy.ENV | own | {"DO_NOT_TRACK": "1"}


@contextmanager
def client_of(env: dict[str, str]) -> Iterator[SyncPrefectClient]:
    with temporary_settings({PREFECT_API_URL: env["PREFECT_API_URL"]}), get_client(sync_client=True) as found:
        yield found


@pytest.fixture
def client(server) -> Iterator[SyncPrefectClient]:
    with client_of(server) as found:
        yield found


@pytest.fixture
def client_of_whole(whole_server) -> Iterator[SyncPrefectClient]:
    with client_of(whole_server) as found:
        yield found


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Return a toy project with the real deployments, whose lost runs are found after 10 s, the least."""
    folder = toy.make(tmp_path_factory.mktemp("project"), GRAPH)
    shutil.copy2(ROOT / "prefect.yaml", folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    text = (ROOT / "automations.yaml").read_text()
    assert "within: 600" in text
    (folder / "automations.yaml").write_text(text.replace("within: 600", "within: 10"))
    return folder


POOLS = ["--pool", "gpu", "--pool", "box:docker", "--pool", "cluster:kubernetes", "--gpus", "2"]


@pytest.fixture(scope="module")
def deployed(project, server) -> Iterator[None]:
    """Deploy on the session's server, and remove the automations afterwards, which are of all its runs."""
    deploy(project, server, *POOLS)
    yield
    with client_of(server) as found:
        for automation in found.read_automations():
            found.delete_automation(automation.id)


@pytest.fixture
def messages() -> Iterator[Messages]:
    found = Messages()
    yield found
    for server in found.servers:
        server.shutdown()
        server.server_close()


def deploy(project: Path, env: dict[str, str], *options: str) -> str:
    return toy.call(project, "breathline", "deploy", *options, env=env)


@pytest.mark.usefixtures("deployed")
def test_deploying_twice_doubles_nothing_and_keeps_what_was_switched(project, server, client):
    def there() -> dict[str, list[str]]:
        deployments = client.read_deployments()
        return {
            "deployments": sorted(f"{client.read_flow(found.flow_id).name}/{found.name}" for found in deployments),
            "schedules": sorted(str(schedule.slug) for found in deployments for schedule in found.schedules),
            "automations": sorted(automation.name for automation in client.read_automations()),
            "pools": sorted(f"{pool.name}:{pool.type}" for pool in client.read_work_pools()),
            "limits": [f"{limit.name} {limit.limit}" for limit in client.read_global_concurrency_limits()],
        }

    once = there()
    workers = [name for name in once["deployments"] if name.startswith("stage-on-worker/")]
    assert workers == [f"stage-on-worker/{pool}" for pool in ("box", "cluster", "cpu", "gpu")]
    ours = {"pipeline/nightly", "pipeline/on-demand", "new_data/watch", "nightly_audit/nightly"}
    assert ours < set(once["deployments"])
    assert {"box:docker", "cluster:kubernetes", "cpu:process", "gpu:process"} <= set(once["pools"])
    assert "breathline-gpu 2" in once["limits"]
    assert len([name for name in once["automations"] if "failures" not in name]) == 4

    nightly = client.read_deployment_by_name("pipeline/nightly")
    (late,) = client.read_automations_by_name("Breathline: late runs")
    client.pause_automation(late.id)
    switched = {schedule.slug: not schedule.active for schedule in nightly.schedules}
    for schedule in nightly.schedules:
        client.update_deployment_schedule(nightly.id, schedule.id, active=not schedule.active)

    printed = deploy(project, server, "--pool", "gpu", "--pool", "box", "--pool", "cluster")
    assert there() == once
    again = client.read_deployment_by_name("pipeline/nightly")
    assert {schedule.slug: schedule.active for schedule in again.schedules} == switched
    assert client.read_automations_by_name("Breathline: late runs")[0].enabled is False
    assert "Breathline: late runs: up to date, switched off" in printed


@pytest.mark.usefixtures("deployed")
def test_a_pool_keeps_its_type(client, project):
    with pytest.raises(BreathlineError, match=r"The work pool gpu is of type process\."):
        list(pools.ensure(client, project, [pools.Pool("gpu", "docker")]))


@pytest.mark.usefixtures("deployed")
def test_the_server_knows_what_parameters_mean_and_refuses_bad_ones(client):
    found = client.read_deployment_by_name("pipeline/on-demand")
    jobs = found.parameter_openapi_schema["properties"]["jobs"]
    assert jobs["description"]
    assert (jobs["minimum"], jobs["maximum"]) == (1, 256)
    for wrong in ({"jobs": 0}, {"jobs": "many"}, {"task_runner": "ray"}):
        with pytest.raises(PrefectHTTPStatusError) as refused:
            client.create_flow_run_from_deployment(found.id, parameters=wrong)
        assert refused.value.response.status_code in {409, 422}


@pytest.mark.long
def test_failures_are_told_and_a_run_whose_machine_died_starts_once_more(
    project, whole_server, client_of_whole, messages
):
    env, client = whole_server, client_of_whole
    post, mail = messages.ports
    address = f"mailto://127.0.0.1:{mail}?from=a@example.org&to=b@example.org&mode=insecure"
    deploy(project, env, "--webhook", f"http://127.0.0.1:{post}/hook", "--email", address)
    found = client.read_deployment_by_name("pipeline/on-demand")
    with running_worker(project, env) as worker:
        run = client.create_flow_run_from_deployment(found.id, parameters={"targets": ["bad"]})
        eventually(lambda: client.read_flow_run(run.id).state_name == "Failed")
        eventually(lambda: messages.posted and "." in messages.mailed)
        assert "Failed" in messages.posted[0]["title"]
        assert "bad" in messages.posted[0]["text"]
        assert any(line.startswith("Subject: pipeline/") for line in messages.mailed)

        run = client.create_flow_run_from_deployment(found.id, parameters={"targets": ["twice"]})
        eventually(lambda: (project / "pid").exists() and (project / "pid").read_text().strip())
        # The machine dies: worker and flow at once, so that nobody tells the server.
        for process in [psutil.Process(worker.pid), *psutil.Process(worker.pid).children()]:
            process.kill()
        eventually(lambda: "Lost" in states(client, run.id))
        eventually(lambda: "AwaitingRetry" in states(client, run.id))
    with running_worker(project, env):
        eventually(lambda: client.read_flow_run(run.id).state_name == "Completed")
    assert (project / "out").exists()
    assert states(client, run.id).count("Lost") == 1


@pytest.mark.long
def test_a_scheduled_run_is_made(project, whole_server, client_of_whole):
    deploy(project, whole_server, *POOLS)
    nightly = client_of_whole.read_deployment_by_name("pipeline/nightly")
    eventually(lambda: [run for run in client_of_whole.read_flow_runs() if run.deployment_id == nightly.id])


@pytest.mark.long
def test_a_run_that_is_cancelled_leaves_nothing_and_the_next_one_ends_well(project, whole_server, client_of_whole):
    env, client = whole_server, client_of_whole
    deploy(project, env)
    found = client.read_deployment_by_name("pipeline/on-demand")
    with running_worker(project, env):
        run = client.create_flow_run_from_deployment(found.id, parameters={"targets": ["held"]})
        eventually(lambda: (project / "held.pid").exists() and (project / "held.pid").read_text().strip())
        stage = psutil.Process(int((project / "held.pid").read_text()))
        client.set_flow_run_state(run.id, Cancelling())
        eventually(lambda: client.read_flow_run(run.id).state_name == "Cancelled")
        assert psutil.wait_procs([stage], timeout=60)[1] == []
        assert not (project / "held.txt").exists()

        (project / "free").touch()
        run = client.create_flow_run_from_deployment(found.id, parameters={"targets": ["held"]})
        eventually(lambda: client.read_flow_run(run.id).state_name == "Completed")
        assert (project / "held.txt").exists()


@pytest.mark.long
def test_serving_needs_no_server_and_leaves_none_behind(tmp_path):
    folder = toy.make(tmp_path / "project", GRAPH.partition("  twice")[0].replace("exit 1", "echo > bad.txt"))
    shutil.copy2(ROOT / "prefect.yaml", folder)
    home = {key: value for key, value in toy.ENV.items() if key != "PREFECT_API_URL"}
    process = breathline(folder, home | {"PREFECT_HOME": str(tmp_path / "home")}, "serve", "--interval", "10")
    try:
        eventually(lambda: process.poll() is not None or (folder / "bad.txt").exists())
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        status, printed = finish(process)
    finally:
        process.kill()
    assert "serving pipeline/served" in printed
    assert (folder / "bad.txt").exists(), printed
    assert len(family) >= 2, "the guard and the server"
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert status == 0, printed


def test_a_server_that_does_not_answer_is_named(tmp_path):
    shutil.copy2(ROOT / "prefect.yaml", tmp_path)
    env = toy.ENV | {"PREFECT_HOME": str(tmp_path / "home")}
    status, printed = finish(breathline(tmp_path, env, "deploy", "--server", "127.0.0.1:9"))
    assert status == 1
    assert "http://127.0.0.1:9/api" in printed
    assert "does not answer" in printed
    env.pop("PREFECT_API_URL", None)
    status, printed = finish(breathline(tmp_path, env, "deploy"))
    assert status == 1
    assert "No Prefect server is named." in printed


@contextmanager
def running_worker(project: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cpu", "--type", "process"]
    worker = subprocess.Popen(command, cwd=project, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(timeout=180)


def states(client: SyncPrefectClient, run: object) -> list[str | None]:
    return [state.name for state in client.read_flow_run_states(run)]
