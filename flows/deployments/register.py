"""Registration of deployments: those of prefect.yaml, and one per work pool for single stages on its workers."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from flows.processes.process_groups import NO_TELEMETRY
from flows.processes.stage_errors import quote
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

FILE = "prefect.yaml"
TAG = "breathline"


def read(root: Path) -> list[dict[str, object]]:
    """Return the deployments in prefect.yaml."""
    found: object = params.read(root / FILE)
    if not isinstance(found, dict) or not found.get("deployments"):
        raise BreathlineError("The file has no deployments.", where=root / FILE, hint="list them under `deployments:`")
    deployments: list[dict[str, object]] = found["deployments"]
    return deployments


def pools(root: Path) -> list[str]:
    """Return the names of the work pools in prefect.yaml, sorted."""
    named = [deployment.get("work_pool") for deployment in read(root)]
    return sorted({str(pool["name"]) for pool in named if isinstance(pool, dict) and pool.get("name")})


def deploy(client: SyncPrefectClient, root: Path) -> Iterator[str]:
    """Register the deployments of prefect.yaml, and yield a line for each; schedules stay on or off as they were."""
    before = {(found.id, schedule.slug): schedule.active for found in _ours(client) for schedule in found.schedules}
    command = [sys.executable, "-m", "prefect", "deploy", "--all", "--no-prompt", "--prefect-file", FILE]
    env = os.environ | NO_TELEMETRY | {"COLUMNS": "160", "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603 - Prefect of this environment, with fixed arguments
        command, cwd=root, env=env, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        end = quote((done.stdout + done.stderr).splitlines()[-20:])
        raise BreathlineError(f"Prefect refused the deployments:\n{end}", where=root / FILE, hint="correct the file")
    for found in _ours(client):
        for schedule in found.schedules:
            active = before.get((found.id, schedule.slug), schedule.active)
            if active != schedule.active:
                client.update_deployment_schedule(found.id, schedule.id, active=active)
    flows: dict[UUID, str] = {}
    for found in _ours(client):
        flow = flows.setdefault(found.flow_id, client.read_flow(found.flow_id).name)
        schedules = [f"{schedule.slug} {'on' if schedule.active else 'off'}" for schedule in found.schedules]
        listed = f": schedules {', '.join(schedules)}" if schedules else ""
        yield f"deployment {flow}/{found.name} in pool {found.work_pool_name}{listed}"


def deploy_workers(names: Sequence[str]) -> Iterator[str]:
    """Register the flow for single stages in some work pools, and yield a line for each."""
    from flows.remote.worker import stage_on_worker

    for pool in names:
        RunnerDeployment.from_flow(
            stage_on_worker,
            name=pool,
            description="One stage of a commit, for a run of `pipeline` with this pool in `workers`.",
            tags=[TAG],
            work_pool_name=pool,
            # The flow is installed in the worker's environment, so that nothing is pulled before it starts.
            entrypoint_type=EntrypointType.MODULE_PATH,
        ).apply()
        yield f"deployment {stage_on_worker.name}/{pool} in pool {pool}"


def _ours(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """Return the deployments of prefect.yaml on the server, without those of `serve` and of single stages."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    found = client.read_deployments(deployment_filter=ours)
    return [each for each in found if each.work_pool_name not in {None, each.name}]
