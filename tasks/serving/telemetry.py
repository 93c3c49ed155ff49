"""Structured logs of requests, without file names, addresses and other personal data; unexpected errors as answers."""

import json
import logging
import sys
import time
import uuid
from datetime import UTC, datetime

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasks.runtime.error_output import one_line
from tasks.serving.metrics import Metrics
from tasks.serving.problems import RequestError

LOGGER = logging.getLogger("breathline.serving")


class Telemetry:
    """ASGI middleware that counts and logs each request, and turns an unexpected error into an answer.

    Args:
        app: Application to observe.
        metrics: Metrics of the server.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, number, status = time.monotonic(), uuid.uuid4().hex, 0
        scope.setdefault("state", {})["request_id"] = number

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = number
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:
            pass
        except Exception as error:  # noqa: BLE001 - the server stays up whatever one request meets
            LOGGER.error("defect", extra={"fields": {"request": number, "error": one_line(error)}})
            if not status:
                hint = f"report it with the lines of the server's log about the request {number}"
                problem = RequestError(500, "This is a defect of Breathline.", hint=hint)
                await problem.response()(scope, receive, send_and_note)
        finally:
            self._note(scope, start, number, status)

    def _note(self, scope: Scope, start: float, number: str, status: int) -> None:
        """Count and log a request; `status` is 0 if its client was gone before an answer."""
        route = getattr(scope.get("route"), "path", "other")
        seconds = time.monotonic() - start
        self._metrics.requests.labels(route, str(status or "gone")).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        fields = {"request": number, "method": scope["method"], "route": route, "status": status or None}
        LOGGER.info(
            "request", extra={"fields": fields | {"seconds": round(seconds, 4), **scope["state"].get("log", {})}}
        )


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, and the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found = {"time": when, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(found | getattr(record, "fields", {}), ensure_ascii=False)


def log_to_standard_error() -> None:
    """Send the logs of this process to standard error, as lines of JSON: requests, and warnings of libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(logging.INFO)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # its warnings repeat parts of forms
