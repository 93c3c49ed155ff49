"""Screenshots of Prefect's UI by headless Chromium (docs/how-to/prefect-ui.md).

The UI loads its parts one after the other. The DevTools protocol shows when a page has finished loading. The script
needs Chromium or Chrome, and no packages beyond those of Breathline.
"""

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARTIFACTS = ("plan", "validation", "scores", "graph", "report")
# Seconds: limit for the browser's start, time without a change of a finished page, and limit for a page.
START_S, UNCHANGED_S, PAGE_S = 60.0, 1.5, 45.0
LIVE_S = 8.0  # a page with a running clock never stops changing: its screenshot is taken this long after loading
# Whether all parts are loaded, and the visible text: a finished page gives the same value for UNCHANGED_S.
STATE = """[document.readyState === 'complete' && document.body.innerText.trim().length > 0
  && !document.querySelector('main .animate-pulse, main .animate-spin, [aria-busy=true]')
  && [...document.images].every(image => image.complete), document.body.innerHTML.length, document.body.innerText]"""
# Height in pixels that is hidden below the window: the page scrolls within a box.
HIDDEN = """Math.max(0, ...[document.documentElement, ...document.querySelectorAll('main, main *')]
  .filter(box => ['auto', 'scroll'].includes(getComputedStyle(box).overflowY) || box === document.documentElement)
  .map(box => box.scrollHeight - box.clientHeight))"""


class Page:
    """A tab of the browser, in a window of a given width in pixels."""

    def __init__(self, socket: Connection, width: int) -> None:
        self._socket, self._width, self._numbers = socket, width, count(1)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def save(self, address: str, path: Path) -> None:
        """Write a PNG of the whole page at an address, when it has finished loading.

        Raises:
            TimeoutError: The page does not finish loading.
        """
        self.resize(900)
        self.call("Page.navigate", url=address)
        self.wait(address)
        if hidden := self.value(HIDDEN):
            self.resize(min(900 + int(hidden), 6000))
            self.wait(address)
        picture = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(picture))

    def wait(self, address: str) -> None:
        """Wait until the page at an address has finished loading."""
        seen, since, loaded, end = None, time.monotonic(), time.monotonic(), time.monotonic() + PAGE_S
        while time.monotonic() < end:
            now = self.value(STATE)
            if now != seen:
                seen, since = now, time.monotonic()
            if not (now and now[0]):
                loaded = time.monotonic()
            elif time.monotonic() - since > UNCHANGED_S or time.monotonic() - loaded > LIVE_S:
                return
            time.sleep(0.1)
        raise TimeoutError(f"{address} does not finish loading within {PAGE_S:.0f} s")

    def resize(self, height: int) -> None:
        """Set the height of the window in pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=self._width, height=height, deviceScaleFactor=1, mobile=False
        )

    def value(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, also of one that has to be waited for."""
        options = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        return self.call("Runtime.evaluate", expression=expression, **options)["result"].get("value")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the result of a DevTools command; events in between are ignored."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=PAGE_S))
            if answer.get("id") != number:
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result


@contextmanager
def browser(width: int, *options: str) -> Iterator[Page]:
    """Yield a tab of a headless browser, which is terminated at the end of the block.

    Args:
        width: Width of the window in pixels.
        options: Further options of the browser's command line.

    Raises:
        FileNotFoundError: There is no Chromium or Chrome.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise FileNotFoundError(f"There is no browser: install one of {', '.join(BROWSERS)}.")
    with tempfile.TemporaryDirectory(prefix="breathline-browser-", ignore_cleanup_errors=True) as folder:
        command = [found, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}", "--disable-gpu"]
        command += ["--no-first-run", "--hide-scrollbars", "--no-proxy-server", *options]
        # As root, such as in containers, Chromium starts only without its sandbox.
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        with subprocess.Popen(  # noqa: S603 - an installed browser
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                with connect(_devtools(Path(folder), process), max_size=None) as socket:
                    yield Page(socket, width)
            finally:
                process.terminate()


def _devtools(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the address of the DevTools, which the browser writes into its folder when it starts."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        lines = (
            (folder / "DevToolsActivePort").read_text(encoding="utf-8").split()
            if (folder / "DevToolsActivePort").exists()
            else []
        )
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.1)
    raise RuntimeError("the browser did not start")


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


def main() -> None:
    """Take the screenshots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--ui", default="http://127.0.0.1:4200", help="address of the server")
    parser.add_argument("--out", type=Path, required=True, help="folder of the PNG files")
    parser.add_argument("--run", help="id of a flow run; by default the latest of the flow `pipeline`")
    parser.add_argument("--only", nargs="*", help="names of pages, such as run or artifact-graph; by default all")
    parser.add_argument("--width", type=int, default=1440, help="width of the window in pixels")
    options = parser.parse_args()
    ui = options.ui.rstrip("/")
    options.out.mkdir(parents=True, exist_ok=True)
    known = pages(ui, options.run)
    if unknown := set(options.only or ()) - set(known):
        parser.error(f"no page {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    with browser(options.width) as page:
        for name, path in known.items():
            if not options.only or name in options.only:
                page.save(f"{ui}/v2/{path}", options.out / f"{name}.png")
                sys.stdout.write(f"{options.out / name}.png\n")


if __name__ == "__main__":
    main()
