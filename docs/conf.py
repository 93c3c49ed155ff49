"""Settings of Sphinx for the site of the documentation, which is built without the network (`make docs`)."""

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
sys.path.insert(0, str(ROOT))

import generated_pages  # noqa: E402 - found by the path above

project = "Breathline"
author = "The Breathline authors"
project_copyright = author
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
smartquotes = False  # commands are copied from the pages
highlight_language = "text"  # of blocks without a language, such as commands
autodoc_mock_imports = ["torch"]  # two seconds of a build; signatures name its types all the same
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"Breathline {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

# A page that is nothing but a link to a file outside of docs/ shows that file; links to the file lead to the page.
OUTSIDE = re.compile(r"\A\[[^\]]+\]\(((?:\.\./)+[\w./-]+)\)\s*\Z")
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[\w-]+)?\)")
FIGURE = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)
SHOWN = {
    (page.parent / match[1]).resolve(): page
    for page in (ROOT / "docs").rglob("*.md")
    if (match := OUTSIDE.match(page.read_text(encoding="utf-8")))
}


def prepare(text: str, page: Path) -> str:
    """Return the text of a page for Sphinx.

    Args:
        text: Text of the page in docs/.
        page: Path of the page.
    """
    origin = page
    if match := OUTSIDE.match(text):
        origin = (page.parent / match[1]).resolve()
        text = origin.read_text(encoding="utf-8")
    figure = relative(ROOT / "docs/_static/pipeline.svg", page)
    text = FIGURE.sub(f"![The stages of the pipeline and their order]({figure})", text)
    return generated_pages.fill(LINK.sub(lambda link: _link(link, origin, page), text))


def _link(link: re.Match[str], origin: Path, page: Path) -> str:
    """Return a link for a page: to a page of the site, or, of a file outside of it, its name alone."""
    picture, words, address, anchor = link.groups()
    target = (origin.parent / address).resolve()
    target = SHOWN.get(target, target)
    if target.is_relative_to(ROOT / "docs"):
        return f"{picture}[{words}]({relative(target, page)}{anchor or ''})"
    return words if "`" in words else f"`{target.relative_to(ROOT).as_posix()}`"


def relative(target: Path, page: Path) -> str:
    """Return the path of a file from the folder of a page."""
    return Path(os.path.relpath(target, page.parent)).as_posix()


def _read(app: Any, name: str, source: list[str]) -> None:
    source[0] = prepare(source[0], Path(app.env.doc2path(name)))


def setup(app: Any) -> None:
    """Let Sphinx read pages as `prepare` returns them."""
    app.connect("source-read", _read)
