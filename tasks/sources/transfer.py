"""Transfer of a file from one mirror, resumed after an interruption."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from tasks.runtime.disk_errors import require_space
from tasks.sources import limits, responses
from tasks.sources.limits import DownloadLimits, Pace
from tasks.sources.partial import Partial
from tasks.sources.responses import MirrorError, TransientMirrorError
from tasks.sources.retries import RetryPolicy, retrying


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Transfer of a file from one mirror.

    Attributes:
        url: URL of the file.
        part: Part of the file that was fetched.
        policy: Retry policy and timeouts.
        limit: Limits of size, time and speed.
        headers: Headers of each request, beside those of the transfer.
        show: Function that shows the progress.
        size: Size of the file in bytes, where a list of files states it.
    """

    url: str
    part: Partial
    policy: RetryPolicy
    limit: DownloadLimits
    headers: Mapping[str, str]
    show: Callable[[], None]
    size: int | None = None

    async def run(self) -> None:
        """Fetch what is missing of the file, within the limit of time.

        Raises:
            MirrorError: The mirror refuses the file, or a limit is exceeded.
            httpx.HTTPError: The connection failed, also after all retries.
        """
        try:
            # The limit of time holds for all attempts and pauses, also while a server sends its headers byte by byte.
            async with asyncio.timeout(self.limit.seconds), new_client(self.url, self.policy) as client:
                await self.fetch(client)
        except TimeoutError as error:
            total = f" of {self.part.total:,}" if self.part.total else ""
            raise MirrorError(
                f"{self.part.size:,}{total} bytes came within the limit of {self.limit.seconds / 3600:.3g} h; fetch "
                f"again to resume, or raise {limits.HOURS}"
            ) from error

    async def fetch(self, client: httpx.AsyncClient) -> None:
        """Fetch what is missing of the file, with the connections of a client.

        Args:
            client: Client from `new_client`, for one or more transfers from the same server.

        Raises:
            MirrorError: The server refuses the file, or a limit of size or speed is exceeded.
            httpx.HTTPError: The connection failed, also after all retries.
        """
        responses.check_address(self.url, httpx.URL(self.url))
        await retrying(self.policy, self.part)(self._attempt, client)

    async def _attempt(self, client: httpx.AsyncClient) -> None:
        """Fetch the missing part of the file with one request."""
        part, headers = self.part, {**self.headers, "Accept-Encoding": "identity"}
        if part.size and part.validator:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
        response = await self._send(client, client.build_request("GET", self.url, headers=headers))
        try:
            if self._is_body_needed(response):
                self._check_size()
                self._check_room()
                await self._receive(response)
        finally:
            await response.aclose()
        if part.total is not None and part.size != part.total:
            size, total = part.size, part.total
            part.drop()
            raise TransientMirrorError(f"{size} of {total} bytes arrived")

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response once its headers are complete."""
        seconds = self.policy.connect + self.policy.read
        try:
            async with asyncio.timeout(seconds):
                return await client.send(request, stream=True)
        except TimeoutError as error:
            raise TransientMirrorError(f"no complete answer within {seconds:.0f} s") from error

    def _is_body_needed(self, response: httpx.Response) -> bool:
        """Compare a response with the part that was fetched, and tell whether its body is needed."""
        code, validator, total = response.status_code, responses.validator(response), responses.total(response)
        if code in responses.BUSY:
            raise responses.busy(response, self.policy.longest_wait_asked)
        # Some servers ignore If-Range, and some of them do not send the version.
        same = validator in (None, self.part.validator) and self.part.total in (None, total)
        if code == 416 and same and total == self.part.size:
            return False  # complete, but not checked yet
        if code == 206 and same and responses.start(response) == self.part.size:
            self.part.total = total
        elif code in (206, 416):
            self.part.drop()
            raise TransientMirrorError(f"the file changed, or its range is wrong (HTTP {code}): starting again")
        elif code == 200:
            responses.check_countable(response, total)
            self.part.begin(total, validator, response.headers.get("Content-Type"))
        else:
            raise MirrorError(f"HTTP {code} {response.reason_phrase}")
        return True

    async def _receive(self, response: httpx.Response) -> None:
        """Append the body of a response to the part that was fetched."""
        part, limit = self.part, self.limit
        pace = Pace(limit, part.size)
        with part.appending() as append:
            async for chunk in response.aiter_raw():
                append(chunk)
                self.show()
                self._check_size()
                if pace.is_slow(part.size):
                    raise TransientMirrorError(f"fewer than {limit.slowest:,} bytes came in {limit.window:.0f} s")

    def _check_size(self) -> None:
        """Refuse and delete a file that is larger than the limit, or than its list states."""
        part, limit = self.part, self.limit
        if self.size is not None and max(part.size, part.total or 0) > self.size:
            part.drop()
            raise MirrorError(f"the file is larger than the {self.size:,} bytes that its list states")
        if max(part.size, part.total or 0) > limit.bytes:
            said = f"the file has {part.total:,} bytes" if part.total else f"more than {limit.bytes:,} bytes came"
            part.drop()
            raise MirrorError(f"{said}, and the limit is {limit.bytes:,}; raise {limits.GIGABYTES} if this is right")

    def _check_room(self) -> None:
        """Refuse a file that is larger than the free space of the disk."""
        require_space(self.part.path.parent, (self.part.total or 0) - self.part.size)


def new_client(url: str, policy: RetryPolicy) -> httpx.AsyncClient:
    """Return an HTTP client that follows redirects, but none from https to http.

    Args:
        url: URL that is asked for first.
        policy: Timeouts.
    """

    async def check_redirect(request: httpx.Request) -> None:
        responses.check_address(url, request.url)

    return httpx.AsyncClient(
        timeout=httpx.Timeout(policy.read, connect=policy.connect),
        follow_redirects=True,
        event_hooks={"request": [check_redirect]},
    )
