"""Keys of JSON output in the reference."""

import re
from typing import Any

from tests.documents.shell_blocks import ROOT, pages

(PAGE,) = (page for page in pages() if page.endswith("/json.md"))
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def sections() -> dict[str, str]:
    """Return the text of each section by its heading, which is a command without `breathline`."""
    return dict(SECTION.findall((ROOT / PAGE).read_text(encoding="utf-8")))


def documented(command: str) -> set[str]:
    """Return the keys in the table of a command."""
    cells = re.findall(r"^\| (`[^|]+`) \|", sections()[command], flags=re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def keys(found: Any) -> set[str]:
    """Return the keys of an object, or of all objects of a list, which must be equal."""
    if isinstance(found, list):
        assert found, "the list is empty"
        assert all(one.keys() == found[0].keys() for one in found)
        return set(found[0])
    return set(found)
