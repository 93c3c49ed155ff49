"""Delivery of OpenLineage events to a server by OpenLineage's own client (openlineage.io/docs/client/python)."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources import proxies

SERVER_ERROR = 500  # from this HTTP status on, another try may succeed


def send(events: Iterable[Mapping[str, Any]], environment: Mapping[str, str]) -> str | None:
    """Send OpenLineage events in their order to the server of `OPENLINEAGE_URL`.

    A server identifies a run by its id: an event that is sent again changes nothing there. `OPENLINEAGE_ENDPOINT` and
    `OPENLINEAGE_API_KEY` are optional.

    Returns:
        The address to which all events were sent; none without a server.

    Raises:
        BreathlineError: The address is invalid, or the server refuses an event.
        TransientError: The server fails or cannot be reached.
    """
    url = environment.get("OPENLINEAGE_URL")
    if not url:
        return None
    proxies.check(module="socks", package="PySocks")
    import requests
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    key = environment.get("OPENLINEAGE_API_KEY")
    config = {
        "url": f"{url.rstrip('/')}/",
        "endpoint": (environment.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage").lstrip("/"),
        "auth": {"type": "api_key", "apiKey": key} if key else {},
        "retry": {"raise_on_status": False},  # the error then holds the server's last answer
    }
    address, sent = f"{config['url']}{config['endpoint']}", 0
    try:
        transport = HttpTransport(HttpConfig.from_dict(config))
        for event in events:
            transport.emit(dict(event))  # type: ignore[arg-type]  # it takes dictionaries, too
            sent += 1
    except requests.RequestException as error:
        answer = error.response
        final = answer is not None and answer.status_code < SERVER_ERROR
        proxy = proxies.proxy_of(address)
        what = f"does not answer ({type(error).__name__}{f', through the proxy of {proxy}' if proxy else ''})"
        if answer is not None:
            what = f"answers {answer.status_code} to event {sent + 1}: {answer.text[:200]}"
        raise (BreathlineError if final else TransientError)(
            f"The OpenLineage server {what}. Events sent before: {sent}.",
            where=address,
            hint="check OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT, OPENLINEAGE_API_KEY and the server, then export again",
        ) from error
    except ValueError as error:
        raise BreathlineError(
            "The address of the OpenLineage server is invalid.",
            where=f"OPENLINEAGE_URL={url}",
            hint="give a whole address, such as http://localhost:5000",
        ) from error
    return address
