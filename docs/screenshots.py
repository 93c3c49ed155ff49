"""Screenshots of the report and of Prefect's UI, of a finished project or of a server (`--help`)."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
from headless_browser import browser

from flows import prefect_server
from tasks import artifacts

ARTIFACTS = ("plan", "validation", "scores", "graph", "report")
BREATHLINE = [sys.executable, "-c", "from cli.start import main; main(prog_name='breathline')"]


def pages(ui: str, run: str | None) -> dict[str, str]:
    """Return the addresses of pages by name: a run (by default the last of `pipeline`), its artifacts, deployments."""
    with httpx.Client(base_url=f"{ui}/api", timeout=30) as api:
        if run is None:
            query = {"flows": {"name": {"any_": ["pipeline"]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 50}
            started = [one for one in _query(api, "/flow_runs/filter", query) if one["start_time"]]
            if not started:
                raise LookupError("the server has no run of the flow `pipeline`: start one, or name a run with --run")
            run = started[0]["id"]
        kept = _query(api, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}, "limit": 200})
        deployments = _query(api, "/deployments/filter", {})
        flows = {flow["id"]: flow["name"] for flow in _query(api, "/flows/filter", {})}
    found = {"dashboard": "dashboard", "runs": "runs", "run": f"runs/flow-run/{run}"}
    tabs = {"logs": "Logs", "tasks": "TaskRuns", "artifacts": "Artifacts", "parameters": "Parameters"}
    found |= {f"run-{name}": f"runs/flow-run/{run}?tab={tab}" for name, tab in tabs.items()}
    for artifact in sorted(kept, key=lambda one: one["created"]):
        if artifact["key"] in ARTIFACTS or str(artifact["key"]).startswith("progress-"):
            found[f"artifact-{artifact['key']}"] = f"artifacts/artifact/{artifact['id']}"
    found |= {"artifacts": "artifacts", "artifact-history": "artifacts/key/scores", "deployments": "deployments"}
    for deployment in deployments:
        name = re.sub(r"[^a-z0-9]+", "-", f"{flows[deployment['flow_id']]} {deployment['name']}".lower())
        found[f"deployment-{name}"] = f"deployments/deployment/{deployment['id']}"
    found |= {"work-pools": "work-pools", "automations": "automations", "concurrency-limits": "concurrency-limits"}
    return found


def _query(api: httpx.Client, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.post(path, json=query).raise_for_status().json()
    return found


@contextmanager
def server_of_its_own(project: Path) -> Iterator[str]:
    """Yield the address of a new server with the deployments of a project, on which its last stage ran again."""
    with tempfile.TemporaryDirectory(prefix="breathline-prefect-") as home:
        os.environ["PREFECT_HOME"] = home  # read when Prefect is imported
        with prefect_server.temporary(Path(home) / "server.log") as api:
            for arguments in (("deploy",), ("run", "--force", "report")):
                subprocess.run([*BREATHLINE, *arguments], cwd=project, check=True)  # noqa: S603 - this project
            yield api.removesuffix("/api")


def settings(ui: str) -> dict[str, Any]:
    """Return the settings of a server's UI with the address of its API, whatever port the server believes to have."""
    read: dict[str, Any] = httpx.get(f"{ui}/ui-settings", timeout=30).raise_for_status().json()
    return read | {"api_url": f"{ui}/api"}


def main() -> None:
    """Take the screenshots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--ui", help="address of a server; by default a new one, on which the last stage runs again")
    parser.add_argument("--out", type=Path, required=True, help="folder of the PNG files")
    parser.add_argument("--run", help="id of a flow run; by default the latest of the flow `pipeline`")
    parser.add_argument("--only", nargs="*", help="names of pages, such as report or artifact-graph; by default all")
    parser.add_argument("--width", type=int, default=1440, help="width of the window in pixels")
    options = parser.parse_args()
    project = Path.cwd()
    if not (project / artifacts.REPORT).exists():
        parser.error(f"{project} has no {artifacts.REPORT}: run this in a finished project, such as after `make demo`")
    options.out.mkdir(parents=True, exist_ok=True)
    with nullcontext(options.ui.rstrip("/")) if options.ui else server_of_its_own(project) as ui:
        known = {"report": (project / artifacts.REPORT).as_uri()}
        known |= {name: f"{ui}/v2/{path}" for name, path in pages(ui, options.run).items()}
        if unknown := set(options.only or ()) - set(known):
            parser.error(f"no page {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
        with browser(options.width) as page:
            page.reply("/ui-settings", settings(ui))
            for name, address in known.items():
                if not options.only or name in options.only:
                    page.save(address, options.out / f"{name}.png")
                    sys.stdout.write(f"{options.out / name}.png\n")


if __name__ == "__main__":
    main()
