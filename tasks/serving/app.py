"""Application of the prediction server: its addresses, limits and errors."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from tasks.prediction.results import CAUTION
from tasks.serving import fhir, pages, problems, uploads
from tasks.serving.answers import Answer, ProblemDetails
from tasks.serving.batching import Ticket
from tasks.serving.gate import Gate
from tasks.serving.problems import RequestError
from tasks.serving.service import Service
from tasks.serving.telemetry import Telemetry

API_VERSION = "1"  # not the model's id: the document is open also where requests need a token
UPLOADS = 4  # uploads at once for each prediction at once: slow senders keep no prediction waiting
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {
    "required": True,
    "description": "Recording: a form whose part `file` holds it, or the recording itself. The part `annotation` of a "
    "form gives the cycles that are predicted, in a format that `breathline predict` reads.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": BINARY["schema"], "annotation": BINARY["schema"]},
            }
        },
        "audio/*": BINARY,
        "application/octet-stream": BINARY,
    },
}
PROBLEM = {problems.MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": PROBLEM}
    for status, text in {
        400: "malformed request, or another host",
        401: "no token, or a wrong one",
        403: "page of another site",
        408: "upload too slow",
        413: "recording too large",
        415: "content type not supported",
        422: "not a recording that can be read, or too long",
        429: "too many predictions or uploads at once",
        500: "defect of the server",
        503: "prediction too slow",
        507: "disk of the server full, or its log of use not writable",
    }.items()
}


def create(service: Service, folder: Path, *, hosts: Collection[str], token: str | None = None) -> FastAPI:
    """Return the application that serves a model.

    Args:
        service: Model and limits.
        folder: Folder of temporary files.
        hosts: Names of this server, without port.
        token: Bearer token that requests must state; None for none.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await to_thread.run_sync(service.close)

    app = FastAPI(
        title="Breathline",
        description=f"Classes of respiratory sounds by one trained model. {CAUTION}",
        version=API_VERSION,
        lifespan=lifespan,
        docs_url=None,  # Swagger's page would load scripts from the internet
        redoc_url=None,
        exception_handlers={
            RequestError: problems.from_problem,
            HTTPException: problems.from_http_exception,
            RequestValidationError: problems.from_invalid_parameters,
        },
    )
    app.add_middleware(Gate, hosts=hosts, token=token)
    app.add_middleware(Telemetry, metrics=service.metrics)  # the last one that is added is the first to run
    _add_predictions(app, service, folder)
    _add_states(app, service)
    pages.add(app, service, token=token is not None)
    return app


def _add_predictions(app: FastAPI, service: Service, folder: Path) -> None:
    limits = service.limits
    uploading, predicting = _Slots(UPLOADS * limits.requests, "uploads"), _Slots(limits.requests, "predictions")
    threads = CapacityLimiter(limits.requests)
    answers: dict[int | str, dict[str, Any]] = {
        200: {"model": Answer, "content": {fhir.MEDIA_TYPE: {}}, "description": "prediction"}
    }

    @app.post("/predict", responses=answers | REFUSALS, openapi_extra={"requestBody": BODY})
    async def predict(
        request: Request,
        format: Literal["json", "fhir"] | None = None,  # noqa: A002 - the name of the parameter
        accept: Annotated[str, Header()] = "*/*",
    ) -> Response:
        """Predict the class of each annotated cycle or window of a recording.

        The answer is JSON, or a FHIR R4 bundle with `format=fhir` or the header `Accept: application/fhir+json`.
        """
        predicting.require_free()
        with uploading.taken():
            async with uploads.received(request, folder, limits) as upload:
                request.state.log = {"bytes": upload.size}
                with predicting.taken(), service.metrics.in_flight.track_inprogress():
                    ticket, number = Ticket(limits.timeout_s), request.state.request_id
                    gone = asyncio.create_task(_cancel_without_client(request, ticket))
                    try:
                        answer = await to_thread.run_sync(
                            service.answer, upload, ticket, number, abandon_on_cancel=True, limiter=threads
                        )
                    finally:
                        ticket.cancelled.set()
                        gone.cancel()
        request.state.log |= {"segments": len(answer.segments), "audio_seconds": round(answer.recording.seconds, 3)}
        content = answer.model_dump()
        if format == "fhir" or (format is None and fhir.MEDIA_TYPE in accept):
            return JSONResponse(fhir.bundle(content), media_type=fhir.MEDIA_TYPE)
        return JSONResponse(content)


async def _cancel_without_client(request: Request, ticket: Ticket) -> None:
    """Cancel the ticket when the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    ticket.cancelled.set()


class _Slots:
    """Limit of the number of uploads or predictions at once."""

    def __init__(self, number: int, name: str) -> None:
        self._number, self._free, self._name = number, number, name

    def require_free(self) -> None:
        """Refuse the request if no slot is free."""
        if self._free == 0:
            what = f"{self._number} {self._name} are under way, as many as this server takes at once."
            raise RequestError(429, what, hint="send the request again after a second", headers={"Retry-After": "1"})

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a slot for the block."""
        self.require_free()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


def _add_states(app: FastAPI, service: Service) -> None:
    @app.get("/model")
    async def model() -> JSONResponse:
        """Return the facts of the model, its card and the limits of requests."""
        return JSONResponse(service.description())

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Return whether the process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", responses={503: {"description": "the engine has stopped", "content": PROBLEM}})
    async def readyz() -> JSONResponse:
        """Return whether predictions can be made."""
        if not service.is_ready():
            raise RequestError(503, "The engine of the model has stopped.", hint="start the server again")
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def metrics() -> Response:
        """Return the metrics in the format of Prometheus."""
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)
