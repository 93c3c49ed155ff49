"""What a stage does to many items, as tasks of a small Prefect flow over a Dask cluster.

`tasks.runtime.parallel` calls it inside the stage's own process; where no stage is mapped over Dask,
nothing imports it.

Items travel as bytes inside the tasks, results as bytes back: fbank's waveforms come along, whereas extract's items are
paths, so that its workers need the file system on which the recordings lie. Nothing is cached or persisted: what a task
gives depends on files, and DVC keeps the outs.
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

# The states of flow and tasks tell how they went; what else Prefect and Dask say would fill the stage's own log.
QUIET = {"PREFECT_LOGGING_LEVEL": "CRITICAL"}
LEVELS = {"distributed": logging.WARNING, "distributed.nanny": logging.ERROR}
LARGE = {"distributed.admin.large-graph-warning-threshold": "1GB"}  # shards are meant to travel inside their tasks
CONNECT_S = 10
SHARDS_EACH = 2  # under way for each thread of the cluster
LOOK_S, ALONE_S = 5, 120  # how often is looked whether there are workers, and how long there may be none
NEEDED = "scheduler and workers need this project and the extra `dask` in their environment; their logs tell more"
COMPUTED_BY = ("numpy", "pyarrow", "scipy", "soundfile", "torch", "torchaudio")

Item = TypeVar("Item")
Result = TypeVar("Result")


def _code() -> str:
    """Return the SHA-256 of all that decides what a stage computes: the project's code, and what it computes with."""
    root = Path(__file__).parents[1]
    modules = sorted(path for package in ("models", "tasks") for path in (root / package).rglob("*.py"))
    found = hashlib.sha256("".join(f"{name} {version(name)}\n" for name in COMPUTED_BY).encode())
    for module in modules:
        found.update(f"{module.relative_to(root).as_posix()}\n".encode() + module.read_bytes())
    return found.hexdigest()


# Of the time of this import: a worker that has lived on since the code changed still computes with what it imported.
CODE = _code()

# What the flow maps. Not its parameters: Prefect would pickle those with each task, and show them.
_source: ContextVar[tuple[Iterator[bytes], bytes, int]] = ContextVar("source")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, shard: int, address: str | None
) -> Generator[Result, None, None]:
    """Return what `work` makes of each item, in the order of the items; see `tasks.runtime.parallel.in_order`.

    Args:
        work: A function of a module, or a `partial` of one.
        items: What there is to do; all that is under way is held in the workers' memory.
        workers: How many processes of one thread each the cluster has, where it is made for this.
        shard: How many items make a task.
        address: Of the scheduler of a cluster that is there; none: one on this machine, for as long as this takes.

    Raises:
        BreathlineError: There is no Prefect server that answers, prefect-dask is not installed, the cluster cannot be
            reached or loses workers, or they have other code than this process.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if prefect_server.check() is None:
        raise BreathlineError(
            "Work over Dask needs a Prefect server that runs already.",
            where="PREFECT_API_URL",
            hint="`prefect server start`, then set PREFECT_API_URL; or `breathline run --task-runner dask`",
        )
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise BreathlineError(
            f"Dask is not installed: {error}.", hint="install the extra `dask`: pip install 'breathline[dask]'"
        ) from error
    for name, level in LEVELS.items():  # Dask sets its own when it is imported
        logging.getLogger(name).setLevel(level)
    if address:
        runner = DaskTaskRunner(address=address, client_kwargs={"timeout": CONNECT_S})
    else:
        # Processes of the stage's own group, with all that listens on loopback.
        local = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        runner = DaskTaskRunner(cluster_kwargs=local)
    remaining = iter(items)
    shards = map(pickle.dumps, iter(lambda: list(islice(remaining, shard)), []))
    return _mapped(runner, shards, pickle.dumps(work), workers)


def _mapped(runner: DaskTaskRunner, shards: Iterator[bytes], work: bytes, workers: int) -> Generator[Any, None, None]:
    import dask
    import distributed
    from prefect import flow

    name = os.environ.get("DVC_STAGE", "by hand")
    kind = flow(name="wide", flow_run_name=name, task_runner=cast("Any", runner), persist_result=False)
    wide = kind(_flow)
    before = _source.set((shards, work, workers))
    try:
        with dask.config.set(LARGE), closing(wide()) as results:
            for result in results:
                yield from pickle.loads(result)  # noqa: S301 - of a cluster that the user has named
    except (distributed.KilledWorker, distributed.CancelledError, OSError) as error:
        raise BreathlineError(
            f"The Dask cluster failed: {error}",
            where=runner.address or "the cluster on this machine",
            hint="look whether scheduler and workers live, and whether their memory is enough",
        ) from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, ImportError):
            raise
        raise BreathlineError(
            f"The Dask scheduler cannot read its tasks: {error.__cause__}.", where=runner.address, hint=NEEDED
        ) from error
    finally:
        _source.reset(before)


def _flow() -> Generator[bytes, None, None]:
    """Submit the shards as there is room for them, and yield what they give, in order."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE
    from prefect.context import FlowRunContext

    shards, work, workers = _source.get()
    runner = cast("Any", FlowRunContext.get()).task_runner
    compute = task(name="shard", cache_policy=NO_CACHE, persist_result=False)(_compute)
    under_way: deque[Any] = deque()
    for shard in shards:
        under_way.append(compute.submit(work, shard, CODE))
        threads: Mapping[str, int] = runner.client.nthreads()  # a cluster may grow, or have none yet
        if len(under_way) >= SHARDS_EACH * max(workers, sum(threads.values())):
            yield _result(under_way.popleft(), runner)
    while under_way:
        yield _result(under_way.popleft(), runner)


def _result(future: PrefectDaskFuture[bytes], runner: DaskTaskRunner) -> bytes:
    """Return what a task gives; while there is no worker at all, wait for one, but not for ever."""
    client: Any = runner.client
    task: Any = future.wrapped_future
    alone_since: float | None = None
    while not task.done():
        future.wait(timeout=LOOK_S)
        if client.nthreads():
            alone_since = None
        elif alone_since is None:
            alone_since = time.monotonic()
        elif time.monotonic() - alone_since > ALONE_S:
            raise BreathlineError(
                f"The Dask cluster has had no worker for {ALONE_S} s.", where=client.scheduler.address, hint=NEEDED
            )
    return future.result()


def _compute(work: bytes, shard: bytes, code: str) -> bytes:
    """Return the results of a shard's items; this runs in a worker of the cluster."""
    if code != CODE:
        import distributed

        raise BreathlineError(
            "A Dask worker has other code than this project, or other versions of libraries.",
            where=distributed.get_worker().address,
            hint="start the workers again, from this project's commit and environment",
        )
    call = pickle.loads(work)  # noqa: S301 - from the stage that has named this cluster
    return pickle.dumps([call(item) for item in pickle.loads(shard)])  # noqa: S301
