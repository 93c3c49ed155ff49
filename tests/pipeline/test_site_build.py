"""Build of the documentation's site: `make docs` refuses dead links, dead anchors and pages that no list names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import toy

pytestmark = pytest.mark.long  # each build takes twelve seconds of the processor
BUILD = ("-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--doctree-dir", ".cache/docs", "docs", "site")


def build(root: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a checkout."""
    command = [sys.executable, *BUILD]
    return subprocess.run(command, cwd=root, env=toy.ENV, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """Return a checkout of the project."""
    return toy.checkout(toy.ROOT, tmp_path_factory.mktemp("site") / "project")


def test_the_site_loads_nothing_from_elsewhere_and_its_search_needs_no_server(checkout):
    done = build(checkout)
    assert done.returncode == 0, done.stderr
    pages = list((checkout / "site").rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]+src=\"([^\"]+)", text)
        loaded += re.findall(r"<link[^>]+rel=\"(?:stylesheet|icon|preload)\"[^>]+href=\"([^\"]+)", text)
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], page
    for style in (checkout / "site").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style
    # The index of words is a script, which pages from file:// may load.
    assert (checkout / "site/searchindex.js").read_text(encoding="utf-8").startswith("Search.setIndex(")


def test_faults_of_pages_end_the_build(checkout):
    page = checkout / "docs/how-to/use.md"
    page.write_text(
        page.read_text(encoding="utf-8") + "\n[a](gone.md) [b](export.md#gone) ![c](../_static/gone.webp)\n",
        encoding="utf-8",
    )
    (checkout / "docs/how-to/alone.md").write_text("# Alone\n", encoding="utf-8")
    done = build(checkout)
    assert done.returncode == 1
    for fault in ("gone.md", "'gone'", "gone.webp", "alone.md: WARNING: document isn't included in any toctree"):
        assert fault in done.stderr
