"""Pictures of the documentation: ``python docs/pictures.py PROJECT`` makes them from a project after `make demo`.

It needs Chromium or Chrome; the figure of the pipeline also needs Mermaid (``npm pack mermaid``).
"""

import argparse
import base64
import json
import re
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from headless_browser import Page, browser

DOCS = Path(__file__).parent
FOLDER = DOCS / "_static"
FIGURE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FETCH = "npm pack mermaid && tar -xzf mermaid-*.tgz"
WIDTH = 1180  # of the window in pixels
# Parts of the report, each from the top of one element to the bottom of another one.
REPORT = {
    "report-results": ("h1", "#results > .tiles + p"),
    "report-groups": ("#groups > figure, #groups > .card", "#groups > figure, #groups > .card"),
    "report-maps": ("#maps > figure:nth-of-type(2)", "#maps > figure:nth-of-type(2)"),
}
DRAW = """(async () => {
  mermaid.initialize({startOnLoad: false, theme: 'neutral', htmlLabels: false, themeVariables: {fontSize: '26px'},
    flowchart: {htmlLabels: false, nodeSpacing: 16, rankSpacing: 34, padding: 10, wrappingWidth: 600,
      subGraphTitleMargin: {top: 8, bottom: 26}}});
  return (await mermaid.render('pipeline', TEXT)).svg;
})()"""


def main() -> None:
    """Make all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("project", type=Path, help="folder of a project after `make demo`")
    parser.add_argument("--only", nargs="*", default=["pipeline", "report", "page"], help="pipeline, report, page")
    parser.add_argument("--mermaid", type=Path, help="mermaid.min.js, for the figure of the pipeline")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with browser(WIDTH) as page:
        if "pipeline" in options.only:
            pipeline(page, options.mermaid)
        if "report" in options.only:
            report(page, options.project.resolve())
        if "page" in options.only:
            serve_model(page, options.project.resolve())


def digest(figure: str) -> str:
    """Return the digest of a figure's text, which the picture holds."""
    return sha256(figure.encode()).hexdigest()


def pipeline(page: Page, mermaid: Path | None) -> None:
    """Draw the figure of the design as SVG, by a file of Mermaid."""
    if mermaid is None:
        sys.exit(f"The figure needs Mermaid: {FETCH}, then --mermaid package/dist/mermaid.min.js")
    (figure,) = FIGURE.findall((DOCS / "explanation/design.md").read_text(encoding="utf-8"))
    page.call("Page.navigate", url="about:blank")
    page.value(mermaid.read_text(encoding="utf-8"))
    drawn = page.value(DRAW.replace("TEXT", json.dumps(figure.replace("flowchart LR", "flowchart TB"))))
    mark = f"<!-- figure {digest(figure)} -->"
    (FOLDER / "pipeline.svg").write_text(f"{drawn}\n{mark}\n", encoding="utf-8")


def report(page: Page, project: Path) -> None:
    """Take pictures of parts of the report."""
    address = (project / "reports/report.html").as_uri()
    page.resize(1200)
    page.call("Page.navigate", url=address)
    page.wait(address)
    for name, (first, last) in REPORT.items():
        top, bottom = (
            page.value(f"document.querySelector({one!r}).getBoundingClientRect().{side} + scrollY")
            for one, side in ((first, "top"), (last, "bottom"))
        )
        _save(page, name, {"x": 0, "y": max(top - 12, 0), "width": WIDTH, "height": bottom - top + 24, "scale": 1})


def serve_model(page: Page, project: Path) -> None:
    """Take a picture of the page of `serve-model` with the prediction of a recording."""
    recording = sorted((project / "data/raw/demo/audio").glob("*.wav"))[0]
    port = "8765"
    with subprocess.Popen(["breathline", "serve-model", "--port", port], cwd=project) as server:  # noqa: S603, S607 - Breathline itself
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait(address)
            page.resize(1000)
            page.call("Page.navigate", url=address)
            page.wait(address)
            root = page.call("DOM.getDocument")["root"]["nodeId"]
            field = page.call("DOM.querySelector", nodeId=root, selector="input[type=file]")["nodeId"]
            page.call("DOM.setFileInputFiles", nodeId=field, files=[str(recording)])
            time.sleep(5)
            page.wait(address)
            _save(page, "serve-model", {"x": 0, "y": 0, "width": WIDTH, "height": 900, "scale": 1})
        finally:
            server.terminate()


def _save(page: Page, name: str, clip: dict[str, Any]) -> None:
    """Write a part of a page as WebP, and its size in bytes."""
    picture = page.call("Page.captureScreenshot", format="webp", quality=80, clip=clip, captureBeyondViewport=True)[
        "data"
    ]
    path = FOLDER / f"{name}.webp"
    path.write_bytes(base64.b64decode(picture))
    sys.stdout.write(f"{path}: {path.stat().st_size} bytes\n")


def _wait(address: str) -> None:
    """Wait until a server answers."""
    for _ in range(300):
        try:
            httpx.get(address).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"{address} does not answer")


if __name__ == "__main__":
    main()
