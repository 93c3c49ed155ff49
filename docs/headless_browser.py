"""Headless Chromium, driven by the DevTools protocol, which shows when a page has finished loading.

It needs Chromium or Chrome, and no packages beyond those of Breathline.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
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
        self._replies: dict[str, str] = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def reply(self, path: str, value: object) -> None:
        """Reply to the page's requests for a path with JSON, in place of the server."""
        self._replies[path] = base64.b64encode(json.dumps(value).encode()).decode()
        self.call("Fetch.enable", patterns=[{"urlPattern": f"*{one}"} for one in self._replies])

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
        """Return the result of a DevTools command; of the events in between, requests that have a reply count."""
        number = self._send(method, params)
        while True:
            answer = json.loads(self._socket.recv(timeout=PAGE_S))
            if answer.get("method") == "Fetch.requestPaused":
                self._fulfil(answer["params"])
            if answer.get("id") != number:
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result

    def _send(self, method: str, params: dict[str, Any]) -> int:
        """Send a DevTools command, and return its number."""
        message: dict[str, Any] = {"id": next(self._numbers), "method": method, "params": params}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        return int(message["id"])

    def _fulfil(self, paused: dict[str, Any]) -> None:
        """Reply to a request of the page."""
        body = next(body for path, body in self._replies.items() if paused["request"]["url"].endswith(path))
        headers = [{"name": "Content-Type", "value": "application/json"}]
        reply = {"requestId": paused["requestId"], "responseCode": 200, "responseHeaders": headers, "body": body}
        self._send("Fetch.fulfillRequest", reply)


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
