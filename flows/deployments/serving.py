"""Flows that one process serves, without work pools and workers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType

from flows.deployments import register

NAME = "served"
SCHEDULED = "pipeline"


def deployments(root: Path, *, cron: str | None = None, interval: timedelta | None = None) -> list[RunnerDeployment]:
    """Return a deployment of each flow in prefect.yaml, which this process will run.

    Args:
        root: Folder of the project.
        cron: Schedule of `pipeline` in cron's format, in UTC.
        interval: Time between two runs of `pipeline`.
    """
    entrypoints = dict.fromkeys(str(deployment["entrypoint"]) for deployment in register.read(root))
    flows: list[Flow[..., Any]] = [load_flow_from_entrypoint(entrypoint) for entrypoint in entrypoints]
    return [
        RunnerDeployment.from_flow(
            flow,
            name=NAME,
            cron=cron if flow.name == SCHEDULED else None,
            interval=interval if flow.name == SCHEDULED else None,
            # An earlier `serve` paused its deployments when it ended.
            paused=False,
            parameters={"project": str(root)} if "project" in flow.parameters.properties else {},
            tags=[register.TAG],
            concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for flow in flows
    ]
