"""Command line as a whole: errors without a traceback, and the code of the project in the current folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import typer

from cli.command_groups import LazyGroup, nothing
from cli.options import EXAMPLES
from flows import code_tree
from tasks.runtime import garbage, text_streams, users
from tasks.runtime.error_output import print_error
from tasks.sources import proxies

garbage.collect_rarely()


class Root(LazyGroup):
    """Commands that show every error by `print_error`, and exit with its status."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line."""
        text_streams.set_up()
        proxies.bypass_loopback()
        users.ensure_name()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()  # here, and not at the exit of Python, which would report a closed pipe by a traceback
        # The command line's own: wrong usage, and a status that a command has chosen.
        except (typer.TyperException, typer.Exit, typer.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:  # none is shown with a traceback
            raise typer.Exit(print_error(error)) from error
        return found


# The first argument is the folder of a project, whose code comes before the installed one.
OTHER_CODE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from cli.start import main; main(prog_name='breathline')"


class App(typer.Typer):
    """The command line, which always runs the code of the project in the current folder, as the stages do."""

    def __init__(self, commands: type[Root]) -> None:
        super().__init__(
            cls=commands,
            no_args_is_help=True,
            rich_markup_mode="rich",
            context_settings={"help_option_names": ["-h", "--help"]},
            help="Respiratory-sound classification as one traceable data pipeline.",
            epilog=EXAMPLES["first steps"],
        )
        self.callback()(nothing)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line, in a worktree with the environment of another clone by the code of the worktree."""
        if sys.argv[0] != "-c" and code_tree.is_other_tree(Path.cwd()):
            os.execv(sys.executable, [sys.executable, "-c", OTHER_CODE, str(Path.cwd()), *sys.argv[1:]])  # noqa: S606 - no shell
        return super().__call__(*args, **kwargs)
