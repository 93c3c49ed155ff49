"""Entry point of `breathline`: errors and Ctrl-C end it without a traceback also while modules are imported.

Standard library only, so that little can happen before.
"""

import sys
from typing import Any


def main(**options: Any) -> None:
    """Run the command line, with options of `typer.Typer.__call__`."""
    try:
        try:
            import breathline  # noqa: F401 - it checks that no foreign package has a name of ours
        except ImportError as error:
            sys.exit(f"Error: {error}")
        from tasks.runtime import pydantic_plugins

        pydantic_plugins.disable()
        from cli.main import app

        app(**options)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - none is shown with a traceback
        from tasks.runtime.error_output import print_error

        sys.exit(print_error(error))
