"""Wording lint: ``python -m tests.lint.wording [PATH …]`` prints each offence against the rules of CONTRIBUTING.md.

Without paths, it reads every file that Git tracks or would track. The exit status is 1 if there is an offence.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_WORDS = 30  # of a sentence
MOST_CHARACTERS = 160  # of a template's line
QUESTION = re.compile(r"(What|Where|Whether|How|Who|Which|When)\b")
ARGUMENT = re.compile(r"\w+: (Of|For|In|By|To|From|With)\b")
TEMPLATES = {".j2", ".html", ".css"}
SECTIONS = ("Args:", "Attributes:", "Returns:", "Raises:", "Yields:", "Example:", "Examples:")

Offence = tuple[int, str]


def check(path: Path) -> Iterator[Offence]:
    """Yield the offences of a file, each as line number and message."""
    if path.suffix not in {".py", ".md", *TEMPLATES}:
        return
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from check_python(text)
    elif path.suffix == ".md":
        yield from check_markdown(text)
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > MOST_CHARACTERS:
                yield number, f"a template's line of {len(line)} characters; at most {MOST_CHARACTERS} read well"


def check_python(source: str) -> Iterator[Offence]:
    """Yield the offences of the docstrings of a module."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, documented) or (text := ast.get_docstring(node)) is None:
            continue
        first = node.body[0].lineno
        if isinstance(node, ast.Module) and QUESTION.match(text):
            yield first, f"the module's docstring opens with `{text.split()[0]}`; begin with a noun"
        lines = text.splitlines()
        for offset, line in enumerate(lines):
            if ARGUMENT.match(line.strip()):
                yield first + offset, f"`{line.strip()[:40]}`: say what the value is, as a noun phrase"
        yield from long_sentences(_blocks(lines), first)


def check_markdown(text: str) -> Iterator[Offence]:
    """Yield the sentences of a page that are too long; code blocks, tables and headings are not sentences."""
    lines = []
    in_code = False
    for line in text.splitlines():
        in_code ^= line.lstrip().startswith("```")
        skipped = in_code or line.lstrip().startswith(("```", "|", "#", "<"))
        lines.append("" if skipped else line)
    yield from long_sentences(_blocks(lines), 1)


def _blocks(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield paragraphs, list items and argument entries, each with the number of its first line (from 0)."""
    block: list[str] = []
    start = 0
    for number, line in enumerate([*lines, ""]):
        stripped = line.strip()
        begins = bool(re.match(r"([-*] |\d+\. |\w+(\.\w+)*: [A-Z`])", stripped)) or stripped in SECTIONS
        if (not stripped or begins) and block:
            yield start, " ".join(block)
            block = []
        if stripped and stripped not in SECTIONS:
            start = start if block else number
            block.append(stripped)


def long_sentences(blocks: Iterable[tuple[int, str]], first: int) -> Iterator[Offence]:
    """Yield the sentences of more than `MOST_WORDS` words; code in backticks and addresses of links count one word."""
    for number, block in blocks:
        text = re.sub(r"`+[^`]*`+", "code", re.sub(r"\]\([^)]*\)", "]", block))
        for sentence in re.split(r"(?<=[.!?:])[)*”\"']*\s+|\s[–·]\s", text):
            words = [word for word in sentence.split() if re.search(r"\w", word)]
            if len(words) > MOST_WORDS:
                yield first + number, f"a sentence of {len(words)} words: “{' '.join(words[:6])} …”"


def tracked() -> list[Path]:
    """Return the project's files: those that Git tracks, and new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def main(arguments: list[str]) -> int:
    """Print the offences of files and folders, and return the exit status."""
    given = [Path(argument) for argument in arguments]
    files = [file for path in given for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    offences = 0
    for path in files if given else tracked():
        for line, message in check(path):
            offences += 1
            sys.stdout.write(f"{path.relative_to(ROOT) if path.is_absolute() else path}:{line}: {message}\n")
    if offences:
        sys.stdout.write(f"{offences} offences against the rules of wording (CONTRIBUTING.md)\n")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
