"""Benchmark of `breathline run` against `dvc repro`: ``python -m benchmarks.run``, at the root of a project.

Prints Markdown tables. Each run starts in a new copy of the project with a DVC cache of its own. The ways alternate,
in reverse order in every second round, so that other load on the machine affects all. `breathline run` is measured
with a running server, and with the server that Prefect starts for one command, with a new and with an existing
database. Starts and ends of stages are observed from outside, equally for all ways.

    python -m benchmarks.run --rounds 3
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import methodcaller
from pathlib import Path

import psutil

from flows import graph, prefect_server
from flows.processes.process_groups import NO_TELEMETRY
from tasks.runtime.hardware import cpu_name, usable_cores
from tests import toy

BIN = Path(sys.executable).parent
WAYS = {
    "dvc": "`dvc repro`",
    "server": "`breathline run`, running server",
    "prepared": "`breathline run`, no server, existing database",
    "fresh": "`breathline run`, no server, new database",
}
LOOK_S = 0.03  # time between two looks at the processes, in seconds; starts of stages come from the kernel


@dataclass
class Run:
    """Finished run; all times in seconds."""

    total: float  # duration of the command
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)  # start and end by stage
    longest: float = 0.0  # length of the longest chain of dependent stages

    @property
    def idle(self) -> float:
        """Time without a running stage."""
        busy, until = 0.0, 0.0
        for start, end in sorted(self.spans.values()):
            busy += max(end - max(start, until), 0.0)
            until = max(until, end)
        return self.total - busy

    def group(self, name: str) -> float:
        """Time from the first start to the last end of a group's items."""
        spans = [span for stage, span in self.spans.items() if stage.split("@")[0] == name]
        return max(end for _, end in spans) - min(start for start, _ in spans)


def measure(command: list[str], folder: Path, env: Mapping[str, str]) -> Run:
    """Run a command; return its duration and the spans of its stages. Exit if it fails."""
    spans: dict[str, tuple[float, float]] = {}
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as output:
        started = time.time()
        process = psutil.Popen(command, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT)
        shift = started - process.create_time()  # the kernel reports its boot time in whole seconds
        running: dict[psutil.Process, tuple[str, float]] = {process: ("", started)}
        known: set[int] = set()
        while running:
            for stage, child in _stages(process):
                if child.pid not in known:
                    known.add(child.pid)
                    running[child] = stage, child.create_time() + shift
            for ended in psutil.wait_procs(running, timeout=LOOK_S)[0]:
                stage, start = running.pop(ended)
                spans[stage] = start, time.time()
        if process.wait():
            tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
            sys.exit(f"{' '.join(command)} ended with status {process.returncode}:\n{tail}")
    start, end = spans.pop("")
    return Run(end - start, spans)


def _stages(process: psutil.Popen) -> Iterator[tuple[str, psutil.Process]]:
    """Yield name and process of each running stage, found by DVC's environment variable, without its children."""
    try:
        children = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for child in children:
        try:
            parent = child.parent()
            stage = child.environ().get("DVC_STAGE")
            if stage and parent is not None and "DVC_STAGE" not in parent.environ():
                yield stage, child
        except (psutil.Error, ProcessLookupError):
            continue


def longest_chain(stages: tuple[graph.Stage, ...], seconds: Mapping[str, float]) -> float:
    """Return the length of the longest chain of stages; a stage that did not run has length 0."""
    until: dict[str, float] = {}
    for stage in stages:
        before = max((until[name] for name in stage.upstream), default=0.0)
        until[stage.name] = before + seconds.get(stage.name, 0.0)
    return max(until.values())


@contextmanager
def prefect(way: str, home: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of a way, with its server if it has one; ``home`` is Prefect's prepared folder."""
    env = {**os.environ, **NO_TELEMETRY, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PREFECT_HOME": str(home)}
    env.pop("PREFECT_API_URL", None)
    if way == "server":
        with prefect_server.temporary(home / "server.log") as url:
            yield env | {"PREFECT_API_URL": url}
    elif way == "fresh":
        with tempfile.TemporaryDirectory() as new:
            yield env | {"PREFECT_HOME": new}
    else:
        yield env


def from_nothing(way: str, folder: Path, root: Path, home: Path, jobs: int) -> tuple[Run, list[float]]:
    """Run in a new copy of the project; return the run, and the durations of three more with nothing to do."""
    toy.checkout(root, folder)
    command = [str(BIN / "dvc"), "repro"] if way == "dvc" else [str(BIN / "breathline"), "run", "--jobs", str(jobs)]
    with prefect(way, home) as env:
        run = measure(command, folder, env)
        again = [measure(command, folder, env).total for _ in range(3)]
    run.longest = longest_chain(graph.read(folder), {stage: end - start for stage, (start, end) in run.spans.items()})
    shutil.rmtree(folder)
    return run, again


def show(runs: Mapping[str, list[Run]], again: Mapping[str, list[float]]) -> Iterator[str]:
    """Yield the lines of the tables: medians, with smallest and largest values of several rounds."""

    def cell(way: str, value: Callable[[Run], float]) -> str:
        return _cell([value(run) for run in runs[way]])

    def times(way: str, value: Callable[[Run], float]) -> str:
        return f"{_median(runs['dvc'], value) / _median(runs[way], value):.2f}" if "dvc" in runs else "–"

    yield "| from nothing | seconds | times as fast | beyond the longest chain of stages: s | while no stage runs: s |"
    yield "|---|---|---|---|---|"
    for way in runs:
        cells = [cell(way, lambda run: run.total), times(way, lambda run: run.total)]
        cells += [cell(way, lambda run: run.total - run.longest), cell(way, lambda run: run.idle)]
        yield f"| {WAYS[way]} | {' | '.join(cells)} |"
    names = [stage.split("@")[0] for stage in next(iter(runs.values()))[0].spans]
    groups = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    yield f"\n| independent stages, first start to last end | {' | '.join(WAYS[way] for way in runs)} |"
    yield f"|---|{'---|' * len(runs)}"
    for name in groups:
        whole = methodcaller("group", name)
        cells = [f"{cell(way, whole)} ({times(way, whole)}×)" for way in runs]
        yield f"| `{name}`, {names.count(name)} items | {' | '.join(cells)} |"
    yield "\n| nothing to do | seconds |\n|---|---|"
    for way, seconds in again.items():
        yield f"| {WAYS[way]} | {_cell(seconds)} |"


def _median(runs: list[Run], value: Callable[[Run], float]) -> float:
    return statistics.median(map(value, runs))


def _cell(values: list[float]) -> str:
    spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.1f}{spread}"


def main() -> None:
    """Print the tables of measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    options = parser.parse_args()
    runs: dict[str, list[Run]] = {way: [] for way in options.ways}
    again: dict[str, list[float]] = {way: [] for way in options.ways}
    with tempfile.TemporaryDirectory(prefix="breathline-") as scratch:
        home = Path(scratch) / "prefect"
        os.environ["PREFECT_HOME"] = str(home)
        home.mkdir()
        with prefect_server.temporary(home / "server.log"):
            pass  # creates the database
        for number in range(options.rounds):
            for way in options.ways if number % 2 == 0 else reversed(options.ways):
                run, nothing = from_nothing(way, Path(scratch) / f"{way}-{number}", Path.cwd(), home, options.jobs)
                runs[way].append(run)
                again[way] += nothing
                print(f"round {number + 1}, {WAYS[way]}: {run.total:.1f} s", file=sys.stderr, flush=True)
    cores = usable_cores()
    print(f"{cores} cores ({cpu_name()}), {options.jobs} stages at once; medians")
    print(f"(smallest to largest) of {options.rounds} rounds.\n")
    print("\n".join(show(runs, again)))


if __name__ == "__main__":
    main()
