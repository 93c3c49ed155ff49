"""Gate of the server: host, origin and token of a request, and the security headers of a response."""

import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasks.serving.problems import RequestError

# Addresses that need no token: where one is set, they show nothing of the model, and nothing that was predicted.
OPEN = ("/", "/page.css", "/page.js", "/recorder.js", "/openapi.json", "/healthz", "/readyz")
PROBES = ("/healthz", "/readyz")  # an orchestrator asks for them by the address of a container
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Gate:
    """ASGI middleware that lets requests of known hosts with the token pass.

    A page of another site can reach a server on loopback through its visitor's browser. The host check stops one that
    gives its own name the address of loopback (DNS rebinding), the origin check one that sends a form.

    Args:
        app: Application behind the gate.
        hosts: Names of this server, without port.
        token: Bearer token that a request must state; None for none.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], token: str | None) -> None:
        self._app, self._hosts = app, frozenset(host.lower() for host in hosts)
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope["path"], Headers(scope=scope))
        await (refused.response() if refused else self._app)(scope, receive, send_with_headers)

    def _refusal(self, path: str, headers: Headers) -> RequestError | None:
        """Return the problem of a request; None for one that may pass."""
        if path not in PROBES and _host(f"//{headers.get('host', '')}") not in self._hosts:
            what = "The header `Host` names another server than this one."
            return RequestError(
                400, what, hint=f"ask for {', '.join(sorted(self._hosts))}; `--allow-host NAME` adds a name"
            )
        if (origin := headers.get("origin")) is not None and _host(origin) not in self._hosts:
            what = "The request comes from a page of another site."
            return RequestError(403, what, hint="open this server's own page, or ask from a program")
        if self._token is None or path in OPEN:
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), self._token):
            return None
        what = "The token is wrong." if given else "The request states no token."
        hint = "send the header `Authorization: Bearer TOKEN` with the token of this server"
        return RequestError(401, what, hint=hint, headers={"WWW-Authenticate": "Bearer"})


def _host(address: str) -> str | None:
    """Return the host of an address, without port; None if it has none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
