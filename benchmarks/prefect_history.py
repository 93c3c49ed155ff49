"""Prefect's database with thousands of stage runs: ``python -m benchmarks.prefect_history make|measure|clear FOLDER``.

`make` starts a server with a new SQLite database in FOLDER, and runs a project of 16 stages, each with 20 lines of
output, by `breathline run`. `--stages N` then copies the rows of this run, with other ids and ten minutes apart, until
there are N runs of stages. `measure` starts the server on the database, and prints the seconds of what flows and the UI
ask. `clear` lets Prefect's own service delete what is older than two hours, and SQLite give the space back.
"""

import argparse
import json
import os
import re
import sqlite3
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psutil

from benchmarks import stages
from flows import prefect_server
from flows.processes.process_groups import NO_TELEMETRY
from tests import toy

Sample = tuple[list[str], list[tuple[object, ...]]]  # columns and rows of a table

DATABASE = "prefect.db"
STAGES, LINES = 16, 20
NAMES = ", ".join(f"n{number}" for number in range(STAGES))
GRAPH = f"""\
stages:
  stage:
    foreach: [{NAMES}]
    do:
      cmd: for line in $(seq {LINES}); do echo "epoch $line of ${{item}}, loss 0.5"; done; echo > ${{item}}.txt
      outs: ["${{item}}.txt"]
"""
COPIED = ("flow_run", "flow_run_state", "task_run", "task_run_state", "log", "artifact", "events", "event_resources")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:.]+")  # of a column; durations begin with 1970
APART_S = 600
KEPT_S = 7200
IDLE_S = 10
BREATHLINE = [sys.executable, "-c", "from cli.main import app; app()"]
RUNS = {"nothing to do": [], "one stage": ["--force", "stage@n0", "--target", "stage@n0"]}
CLEAR = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(KEPT_S),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"PT{KEPT_S}S",
}
PAGE = {"limit": 200, "sort": "START_TIME_DESC"}
REQUESTS = {
    "limit `breathline-gpu`": ("GET", "/v2/concurrency_limits/breathline-gpu", None),
    "number of flow runs": ("POST", "/flow_runs/count", {}),
    "last 200 flow runs": ("POST", "/flow_runs/filter", PAGE),
    "number of task runs": ("POST", "/task_runs/count", {}),
    "latest artifacts": ("POST", "/artifacts/latest/filter", {}),
    "history of an artifact": ("POST", "/artifacts/filter", {"artifacts": {"key": {"any_": ["graph"]}}}),
    "last 50 events": ("POST", "/events/filter", {"limit": 50}),
    "log of a run": ("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": ["RUN"]}}}),
}


def main() -> None:
    """Make, measure or clear a database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["make", "measure", "clear"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stages", type=int, default=STAGES, help="number of runs of stages, with `make`")
    options = parser.parse_args()
    home = (options.folder / "prefect").resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(NO_TELEMETRY | {"PREFECT_HOME": str(home)})
    if options.action == "make":
        make(options.folder, home, options.stages)
    elif options.action == "measure":
        measure(options.folder / "project", home)
    else:
        clear(home)


def make(folder: Path, home: Path, wanted: int) -> None:
    """Run the project once on a new database, and copy the rows of this run."""
    project = toy.make(folder / "project", GRAPH)
    with prefect_server.temporary(home / "server.log"):
        stages.run([*BREATHLINE, "run", "--jobs", "2"], project)
        time.sleep(5)  # events are written a little later
    with closing(sqlite3.connect(home / DATABASE)) as database:
        samples = {name: sample_of(database, name) for name in COPIED}
        for number in range(1, -(-wanted // STAGES)):
            copy(database, samples, timedelta(seconds=APART_S * number))
        database.commit()
    print(described(home))


def sample_of(database: sqlite3.Connection, table: str) -> Sample:
    """Return the names of the columns and the rows of a table, without generated columns, which cannot be inserted."""
    known = [(name, hidden) for _, name, *_, hidden in database.execute(f"PRAGMA table_xinfo({table})")]
    columns = [f'"{name}"' for name, hidden in known if not hidden]
    return columns, database.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()  # noqa: S608 - names of this module and of the database


def copy(database: sqlite3.Connection, samples: Mapping[str, Sample], earlier: timedelta) -> None:
    """Insert a copy of the sample run, with other ids and earlier times."""
    ids = {str(row[columns.index('"id"')]) for columns, sample in samples.values() for row in sample}
    new = {one: str(uuid4()) for one in ids}

    def renewed(value: object) -> object:
        if not isinstance(value, str):
            return value
        if TIME.fullmatch(value):
            return (datetime.fromisoformat(value) - earlier).isoformat(" ", "microseconds")
        return UUID.sub(lambda found: new.get(found.group(), found.group()), value)

    for name, (columns, sample) in samples.items():
        marks = ", ".join("?" * len(columns))
        copied = (tuple(map(renewed, row)) for row in sample)
        database.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", copied)  # noqa: S608 - names of this module and of the database


def described(home: Path) -> str:
    """Return the size of a database and the number of its rows as a Markdown table."""
    with closing(sqlite3.connect(home / DATABASE)) as database:
        lines = [f"| `{name}` | {_count(database, name):,} |" for name in COPIED]
    size = (home / DATABASE).stat().st_size
    return "\n".join(["| table | rows |", "|---|---|", *lines, f"\nDatabase: {size / 1e6:.1f} MB"])


def measure(project: Path, home: Path) -> None:
    """Print the times of a server on the database, of `breathline run`, and of requests."""
    print(described(home))
    began = time.perf_counter()
    with prefect_server.temporary(home / "server.log") as url:
        print("\n| with the server | seconds | CPU seconds |\n|---|---|---|")
        print(f"| start of the server | {time.perf_counter() - began:.1f} | {cpu_of_children():.1f} |")
        for name, options in RUNS.items():
            used = stages.run([*BREATHLINE, "run", *options], project)
            print(f"| `breathline run`, {name} | {used.seconds:.1f} | {used.cpu:.1f} |", flush=True)
        before = cpu_of_children()
        time.sleep(IDLE_S)
        print(f"| {IDLE_S} s without a run, the server | {IDLE_S} | {cpu_of_children() - before:.1f} |", flush=True)
        print("\n| request | ms, median of 5 |\n|---|---|")
        with httpx.Client(base_url=url, timeout=120) as client:
            run = client.post("/flow_runs/filter", json={"limit": 1}).json()[0]["id"]
            for name, (method, path, body) in REQUESTS.items():
                content = json.dumps(body).replace("RUN", run)
                print(f"| {name} | {milliseconds(client, method, path, content):.0f} |", flush=True)


def milliseconds(client: httpx.Client, method: str, path: str, content: str) -> float:
    """Return the median time of a request."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        client.request(method, path, content=content, headers={"content-type": "application/json"})
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def clear(home: Path) -> None:
    """Let Prefect delete old runs and events, then SQLite give the space back, and print both durations."""
    os.environ.update(CLEAR)
    began = time.perf_counter()
    with prefect_server.temporary(home / "server.log"), closing(sqlite3.connect(home / DATABASE)) as database:
        left = [-1]
        while left[-1] != (now := sum(_count(database, name) for name in COPIED)):
            left.append(now)
            print(f"{time.perf_counter() - began:.0f} s: {now:,} rows", flush=True)
            time.sleep(IDLE_S)
    before = (home / DATABASE).stat().st_size
    began = time.perf_counter()
    with closing(sqlite3.connect(home / DATABASE)) as database:
        database.execute("VACUUM")
    took = time.perf_counter() - began
    print(f"VACUUM: {took:.1f} s, from {before / 1e6:.1f} to {(home / DATABASE).stat().st_size / 1e6:.1f} MB\n")
    print(described(home))


def _count(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - names of this module and of the database


def cpu_of_children() -> float:
    """Return the processor seconds of the running children of this process, with their children."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return float(sum(one.user + one.system for one in times))


if __name__ == "__main__":
    main()
