"""Commands of `breathline` in the documents and in its own help, against the options and arguments that it has."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from cli.options import EXAMPLES

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))),
)
COMMAND = get_command(app)
REFUSED = re.compile(r"No such option|unexpected extra|Missing argument|requires an argument")
END = re.compile(r"\s(?:\||>|<|&&|;|#)|\s {2}\(")  # end of a command in a line of a shell, or of an example with words


def commands(text: str) -> list[list[str]]:
    """Return the arguments of each command in a text whose lines are commands or something else."""
    lines = (re.sub(r"^(?:\$ |nice |[A-Z_]+=\S+ )+", "", line.strip()) for line in text.splitlines())
    found = (END.split(line, maxsplit=1)[0] for line in lines if re.match(r"breathline [a-z-]", line))
    return [shlex.split(line)[1:] for line in found]


def fault(arguments: list[str]) -> str | None:
    """Return why the command line would refuse arguments, or None; values are not judged."""
    command, context = COMMAND, None
    while isinstance(command, TyperGroup) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        if name not in command.commands:
            return f"there is no command {name}"
        context = typer.Context(command, parent=context)
        command = command.commands[name]
    try:
        command.make_context(command.name, list(arguments), parent=context)
    except typer.TyperException as error:
        return error.format_message() if REFUSED.search(error.format_message()) else None
    except typer.Exit:  # --help
        return None
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_has_options_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL))
    wrong = {shlex.join(one): why for one in commands(blocks) if (why := fault(one))}
    # Names of commands and options in sentences often lack their arguments.
    for one in commands("\n".join(re.findall(r"`(breathline [^`\n]+)`", text))):
        if (why := fault(one)) and not re.search("Missing argument|requires an argument", why):
            wrong[shlex.join(one)] = why
    assert not wrong


def test_every_example_of_the_help_has_options_that_exist():
    found = [arguments for text in EXAMPLES.values() for arguments in commands(text)]
    assert len(found) > 50
    assert not {shlex.join(one): why for one in found if (why := fault(one))}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("breathline monitr use.jsonl", "there is no command monitr"),
        ("breathline monitor use.jsonl --alarm 3", "No such option"),
        ("breathline monitor", "Missing argument"),
        ("breathline audit trace a b", "unexpected extra"),
        ("breathline monitor use.jsonl --last 7d | jq .alerts  # words", None),
    ],
)
def test_a_wrong_command_would_be_found(line, why):
    (arguments,) = commands(line)
    found = fault(arguments)
    assert why in (found or "") if why else found is None
