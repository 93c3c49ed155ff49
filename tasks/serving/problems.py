"""Errors of the server as problem details (RFC 9457): what is wrong, and the next step."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
HINTS = {
    400: "check the form: one part named `file` holds the recording",
    404: "`/openapi.json` lists the addresses",
    405: "`/openapi.json` lists the methods of each address",
}


class RequestError(Exception):
    """Refused request.

    Args:
        status: HTTP status.
        what: Fault, as one sentence.
        hint: Next step.
        headers: Further headers of the response.
    """

    def __init__(self, status: int, what: str, *, hint: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.hint, self.headers = status, what, hint, headers

    def response(self) -> JSONResponse:
        """Return the response of the refused request."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.what,
            "next": self.hint,
        }
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


async def from_problem(_: Request, error: Exception) -> JSONResponse:
    """Return the response of a `RequestError`."""
    assert isinstance(error, RequestError)  # noqa: S101 - the handler is registered for this class alone
    return error.response()


async def from_http_exception(_: Request, error: Exception) -> JSONResponse:
    """Return the response of an error of the framework, such as an unknown address."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = str(getattr(error, "detail", "")) or HTTPStatus(status).phrase
    headers = getattr(error, "headers", None)
    return RequestError(status, what, hint=HINTS.get(status, "correct the request"), headers=headers).response()


async def from_invalid_parameters(_: Request, error: Exception) -> JSONResponse:
    """Return the response of a request with an invalid parameter; its value is not repeated."""
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    named = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in errors)
    return RequestError(
        422, f"A parameter is invalid: {named}.", hint="`/openapi.json` lists the parameters"
    ).response()
