"""Parallel map of a stage's items over a Dask cluster, as tasks of a small Prefect flow.

It runs inside the stage's own process (`tasks.runtime.parallel`), and is imported only for a map over Dask.

Items and results are sent as bytes. The items of fbank are waveforms. Those of extract are paths, so that its workers
need the file system of the recordings. Prefect caches and stores no results: they depend on files, and DVC keeps the
outs.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from contextvars import ContextVar
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flows import prefect_server
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from prefect_dask.task_runners import DaskTaskRunner, PrefectDaskFuture

# The states of flow and tasks are enough; further messages of Prefect and Dask would fill the log of the stage.
QUIET = {"PREFECT_LOGGING_LEVEL": "CRITICAL"}
DASK_LOG_LEVELS = {"distributed": logging.WARNING, "distributed.nanny": logging.ERROR}
LARGE_TASKS = {"distributed.admin.large-graph-warning-threshold": "1GB"}  # tasks carry their items
CONNECT_TIMEOUT_S = 10
SHARDS_PER_THREAD = 2  # submitted at once for each thread of the cluster
POLL_S, NO_WORKER_TIMEOUT_S = 5, 120
HINT = "install this project with the extra `dask` for scheduler and workers, and see their logs"
COMPUTING_PACKAGES = ("numpy", "pyarrow", "scipy", "soundfile", "torch", "torchaudio")

Item = TypeVar("Item")
Result = TypeVar("Result")


def _code() -> str:
    """Return the SHA-256 of the project's code and of the versions of the packages that compute."""
    root = Path(__file__).parents[1]
    modules = sorted(path for package in ("models", "tasks") for path in (root / package).rglob("*.py"))
    found = hashlib.sha256("".join(f"{name} {version(name)}\n" for name in COMPUTING_PACKAGES).encode())
    for module in modules:
        found.update(f"{module.relative_to(root).as_posix()}\n".encode() + module.read_bytes())
    return found.hexdigest()


# Computed at import: an old worker process keeps the hash of the code that it has imported.
CODE = _code()

# Input of the flow. Not its parameters: Prefect would pickle those with each task, and show them.
_source: ContextVar[tuple[Iterator[bytes], bytes, int]] = ContextVar("source")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, shard: int, address: str | None
) -> Generator[Result, None, None]:
    """Yield the result of `work` for each item, in the order of the items; see `tasks.runtime.parallel.in_order`.

    Args:
        work: Function of a module, or a `partial` of one.
        items: Items; those that are submitted are in the workers' memory.
        workers: Number of processes, of one thread each, of a temporary cluster.
        shard: Number of items in a task.
        address: Address of the scheduler of an existing cluster; None for a temporary cluster on this machine.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if prefect_server.check() is None:
        raise BreathlineError(
            "A map over Dask needs a running Prefect server.",
            where="PREFECT_API_URL",
            hint="`prefect server start`, then set PREFECT_API_URL; or `breathline run --task-runner dask`",
        )
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise BreathlineError(
            f"Dask is not installed: {error}.", hint="install the extra `dask`: pip install 'breathline[dask]'"
        ) from error
    for name, level in DASK_LOG_LEVELS.items():  # Dask sets its own levels at import
        logging.getLogger(name).setLevel(level)
    if address:
        runner = DaskTaskRunner(address=address, client_kwargs={"timeout": CONNECT_TIMEOUT_S})
    else:
        # Processes of the stage's own group that listen on loopback alone.
        local = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        runner = DaskTaskRunner(cluster_kwargs=local)
    remaining = iter(items)
    shards = map(pickle.dumps, iter(lambda: list(islice(remaining, shard)), []))
    return _run_flow(runner, shards, pickle.dumps(work), workers)


def _run_flow(runner: DaskTaskRunner, shards: Iterator[bytes], work: bytes, workers: int) -> Generator[Any, None, None]:
    import dask
    import distributed
    from prefect import flow

    name = os.environ.get("DVC_STAGE", "by hand")
    kind = flow(name="dask_map", flow_run_name=name, task_runner=cast("Any", runner), persist_result=False)
    run = kind(_flow)
    before = _source.set((shards, work, workers))
    try:
        with dask.config.set(LARGE_TASKS), closing(run()) as results:
            for result in results:
                yield from pickle.loads(result)  # noqa: S301 - from a cluster that the user has chosen
    except (distributed.KilledWorker, distributed.CancelledError, OSError) as error:
        raise BreathlineError(
            f"The Dask cluster failed: {error}",
            where=runner.address or "the cluster on this machine",
            hint="check that scheduler and workers run, and that their memory is sufficient",
        ) from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, ImportError):
            raise
        raise BreathlineError(
            f"The Dask scheduler cannot read its tasks: {error.__cause__}.", where=runner.address, hint=HINT
        ) from error
    finally:
        _source.reset(before)


def _flow() -> Generator[bytes, None, None]:
    """Submit a limited number of shards at once, and yield their results in order."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE
    from prefect.context import FlowRunContext

    shards, work, workers = _source.get()
    runner = cast("Any", FlowRunContext.get()).task_runner
    compute = task(name="shard", cache_policy=NO_CACHE, persist_result=False)(_compute)
    submitted: deque[Any] = deque()
    for shard in shards:
        submitted.append(compute.submit(work, shard, CODE))
        threads: Mapping[str, int] = runner.client.nthreads()  # a cluster may grow, or have none yet
        if len(submitted) >= SHARDS_PER_THREAD * max(workers, sum(threads.values())):
            yield _result(submitted.popleft(), runner)
    while submitted:
        yield _result(submitted.popleft(), runner)


def _result(future: PrefectDaskFuture[bytes], runner: DaskTaskRunner) -> bytes:
    """Return the result of a task; without any worker, wait for one until the timeout."""
    client: Any = runner.client
    task: Any = future.wrapped_future
    no_worker_since: float | None = None
    while not task.done():
        future.wait(timeout=POLL_S)
        if client.nthreads():
            no_worker_since = None
        elif no_worker_since is None:
            no_worker_since = time.monotonic()
        elif time.monotonic() - no_worker_since > NO_WORKER_TIMEOUT_S:
            raise BreathlineError(
                f"The Dask cluster has had no worker for {NO_WORKER_TIMEOUT_S} s.",
                where=client.scheduler.address,
                hint=HINT,
            )
    return future.result()


def _compute(work: bytes, shard: bytes, code: str) -> bytes:
    """Return the results of a shard's items; this runs in a worker of the cluster."""
    if code != CODE:
        import distributed

        raise BreathlineError(
            "A Dask worker has other code than this project, or other versions of packages.",
            where=distributed.get_worker().address,
            hint="restart the workers from this project's commit and environment",
        )
    call = pickle.loads(work)  # noqa: S301 - from the stage that has chosen this cluster
    return pickle.dumps([call(item) for item in pickle.loads(shard)])  # noqa: S301 - from the same stage
