"""Work pools for workers, and the GPU limit that all machines share."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from flows.scheduling.stage_task import GPU_LIMIT
from tasks.runtime.errors import BreathlineError

# Job templates of the project; a process pool uses Prefect's own template.
TEMPLATES = {"docker": "deploy/docker.json", "kubernetes": "deploy/kubernetes.json"}
TYPES = ("process", *TEMPLATES)


@dataclass(frozen=True)
class Pool:
    """A work pool.

    Attributes:
        name: Name in deployments and for workers.
        type: Way in which its workers start a flow: process, docker or kubernetes. None keeps the type of an existing
            pool, and means process for a new one.
    """

    name: str
    type: str | None = None


def parse(text: str) -> Pool:
    """Parse a work pool of the form ``NAME`` or ``NAME:TYPE``."""
    name, _, kind = text.partition(":")
    if not name or (kind and kind not in TYPES):
        hint = f"NAME or NAME:TYPE, with a type of {', '.join(TYPES)}"
        raise BreathlineError("A work pool is expected.", where=text, hint=hint)
    return Pool(name, kind or None)


def template(root: Path, kind: str) -> dict[str, Any]:
    """Return the base job template of a type of work pool."""
    if kind not in TEMPLATES:
        return ProcessWorker.get_default_base_job_template()
    path = root / TEMPLATES[kind]
    try:
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "`git checkout deploy/` restores it"
        raise BreathlineError(f"The template of {kind} pools cannot be read: {error}", where=path, hint=hint) from error
    return read


def ensure(client: SyncPrefectClient, root: Path, pools: Sequence[Pool]) -> Iterator[str]:
    """Create work pools, update the templates of existing Docker and Kubernetes pools, and yield a line for each."""
    for pool in pools:
        try:
            found = client.read_work_pool(pool.name)
        except ObjectNotFound:
            kind = pool.type or "process"
            new = WorkPoolCreate(name=pool.name, type=kind, base_job_template=template(root, kind))
            client.create_work_pool(new)
            yield f"work pool {pool.name} ({kind}): created"
            continue
        if pool.type not in {None, found.type}:
            hint = f"use another name, or delete this pool: `prefect work-pool delete {pool.name}`"
            raise BreathlineError(f"The work pool {pool.name} is of type {found.type}.", hint=hint)
        if found.type in TEMPLATES and found.base_job_template != template(root, found.type):
            changed = WorkPoolUpdate(base_job_template=template(root, found.type))
            client.update_work_pool(pool.name, changed)
            yield f"work pool {pool.name} ({found.type}): template updated"
        else:
            yield f"work pool {pool.name} ({found.type}): up to date"


def limit_gpus(client: SyncPrefectClient, gpus: int | None) -> Iterator[str]:
    """Set the number of GPUs that all machines use at once; None keeps the server's limit."""
    if gpus is None:
        return
    client.upsert_global_concurrency_limit_by_name(GPU_LIMIT, gpus)
    yield f"concurrency limit {GPU_LIMIT}: {gpus}"
