"""Web page of the server: one recording, its segments, and the notice that it is for research only."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response

from tasks.prediction.results import CAUTION
from tasks.runtime.templates import render
from tasks.serving.service import Service

STATIC = {"page.css": "text/css", "page.js": "text/javascript", "recorder.js": "text/javascript"}


def add(app: FastAPI, service: Service, *, token: bool) -> None:
    """Add the page and its files to an application.

    Args:
        app: Application of the server.
        service: Model that is served.
        token: Whether requests need a token, for which the page then asks.
    """
    limits = service.limits
    page = render(
        __package__,
        "page.html.j2",
        token=token,
        notice=CAUTION,
        model=None if token else service.model,  # with a token, the script asks `/model` for it
        facts={} if token else service.facts,
        max_mb=f"{limits.max_bytes / 2**20:g}",
        max_minutes=f"{limits.max_seconds / 60:.3g}",
    )
    templates = Path(__file__).with_name("templates")
    static = {f"/{name}": ((templates / name).read_bytes(), kind) for name, kind in STATIC.items()}

    @app.get("/", include_in_schema=False)
    async def root() -> HTMLResponse:
        return HTMLResponse(page)

    for path, (content, kind) in static.items():

        def get(content: bytes = content, kind: str = kind) -> Response:
            return Response(content, media_type=f"{kind}; charset=utf-8")

        app.add_api_route(path, get, include_in_schema=False)
