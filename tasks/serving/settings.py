"""Limits of the prediction server."""

from dataclasses import dataclass

TOKEN_VARIABLE = "BREATHLINE_SERVE_TOKEN"  # noqa: S105 - the name of the variable
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of requests.

    Attributes:
        max_bytes: Largest body of a request in bytes.
        max_seconds: Longest recording in seconds.
        timeout_s: Longest time in seconds for an upload, and again for its prediction.
        requests: Maximum number of predictions at once; a further one is refused. Four times as many uploads are
            received at once.
    """

    max_bytes: int = 64 * 2**20
    max_seconds: float = 600.0
    timeout_s: float = 60.0
    requests: int = 16
