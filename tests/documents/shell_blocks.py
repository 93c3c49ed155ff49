"""Commands in the shell blocks of the Markdown pages."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^ *```(?P<language>[^\n`]*)\n(?P<text>.*?)^ *```", re.DOTALL | re.MULTILINE)
SHELL = ("", "bash", "console", "sh", "shell")  # a block without a language is a shell block
COMMENT = re.compile(r"""^(?P<code>(?:'[^']*'|"[^"]*"|(?!\s\#)[^'"])*?)\s+\#\s.*$""", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """Command line of a page, as a reader copies it, without its comment."""

    page: str  # path from the project's folder
    text: str


def pages() -> list[str]:
    """Return the paths of all pages with documents of the project, from its folder."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "recipes").glob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found if path.name != "CHANGELOG.md")


def commands() -> list[Command]:
    """Return the commands of all pages in their order."""
    return [
        Command(page, text)
        for page in pages()
        for block in blocks((ROOT / page).read_text(encoding="utf-8"))
        for text in lines(block)
    ]


def blocks(text: str) -> list[str]:
    """Return the shell blocks of a page."""
    return [found["text"] for found in FENCE.finditer(text) if found["language"].strip() in SHELL]


def lines(block: str) -> Iterator[str]:
    """Yield the command lines of a shell block; where lines begin with a prompt, the others are output."""
    prompt = any(line.startswith("$ ") for line in block.splitlines())
    begun = ""
    for line in block.splitlines():
        if prompt and not begun and not line.startswith("$ "):
            continue
        begun += line.removeprefix("$ ").rstrip() if not begun else f"\n{line.rstrip()}"
        if begun.endswith("\\") or _is_open(begun):
            continue
        command, begun = without_comment(begun), ""
        if command:
            yield command
    if begun:
        raise ValueError(f"This command has no end: {begun}")


def without_comment(line: str) -> str:
    """Return a command line without its comment, and without spaces around it; empty for a comment alone."""
    if line.lstrip().startswith("#"):
        return ""
    found = COMMENT.match(line)
    return (found["code"] if found else line).strip()


def _is_open(text: str) -> bool:
    """Return whether a quotation of a command goes on in the next line."""
    try:
        shlex.split(without_comment(text))
    except ValueError:
        return True
    return False
