"""Sends OpenLineage events to a server, as OpenLineage's HTTP transport does (openlineage.io/docs/client/python).

The same environment variables configure it: `OPENLINEAGE_URL`, `OPENLINEAGE_ENDPOINT` (``api/v1/lineage`` unless given)
and `OPENLINEAGE_API_KEY`, which is sent as a bearer token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.runtime.errors import BreathlineError, TransientError

TIMEOUT_S = 10.0
SERVER_ERROR = 500


@dataclass(frozen=True)
class Server:
    """Where events go.

    Attributes:
        url: The full address.
        key: A bearer token, if the server asks for one.
    """

    url: str
    key: str | None = None


def configured(environment: Mapping[str, str]) -> Server | None:
    """Return the server that the environment names, or none."""
    url = environment.get("OPENLINEAGE_URL")
    if not url:
        return None
    endpoint = environment.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage"
    return Server(f"{url.rstrip('/')}/{endpoint.lstrip('/')}", environment.get("OPENLINEAGE_API_KEY"))


def send(server: Server, events: Iterable[Mapping[str, Any]]) -> int:
    """Send events in their order and return how many the server took.

    A server knows a run by its id: an event that is sent again changes nothing there.

    Raises:
        BreathlineError: The server refuses an event.
        TransientError: It does not answer, or fails.
    """
    import httpx

    headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    sent = 0
    with httpx.Client(headers=headers, timeout=TIMEOUT_S) as client:
        for event in events:
            try:
                answer = client.post(server.url, json=event)
            except httpx.HTTPError as error:
                raise TransientError(
                    f"The OpenLineage server does not answer ({type(error).__name__}); {sent} events were sent.",
                    where=server.url,
                    hint="is OPENLINEAGE_URL right, and the server up? Then export again",
                ) from error
            if answer.is_error:
                kind = TransientError if answer.status_code >= SERVER_ERROR else BreathlineError
                raise kind(
                    f"The OpenLineage server answers {answer.status_code} to event {sent + 1}: {answer.text[:200]}",
                    where=server.url,
                    hint="see OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT and OPENLINEAGE_API_KEY",
                )
            sent += 1
    return sent
