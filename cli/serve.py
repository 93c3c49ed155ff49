"""`breathline serve`: flows on one machine, by schedule or from Prefect's UI, without work pools and workers."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from tasks.runtime import garbage
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError


def serve(
    cron: Annotated[str | None, typer.Option(help="Schedule of `pipeline` in cron's format, in UTC.")] = None,
    interval: Annotated[
        int | None, typer.Option(min=1, help="Time between two runs of `pipeline`, in seconds.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Address of a Prefect server; default: the configured server, or a temporary one."),
    ] = None,
) -> None:
    """Serve the flows until Ctrl-C: on a schedule, and on demand in Prefect's UI.

    If no Prefect server is configured, one starts on 127.0.0.1 and ends with this command.
    """
    if cron and interval:
        raise BreathlineError("--cron and --interval exclude each other.", hint="use one of them")
    from flows import prefect_server

    root = Path.cwd()
    console = make_console()
    with ExitStack() as stack:
        with console.status("Checking or starting the Prefect server (up to half a minute the first time) …"):
            url = prefect_server.check(server)
            if url is None:
                (root / ".locks").mkdir(exist_ok=True)
                url = stack.enter_context(prefect_server.temporary(root / ".locks" / "prefect-server.log"))
            import prefect

            from flows.deployments import serving

            served = serving.deployments(root, cron=cron, interval=timedelta(seconds=interval) if interval else None)
        web = url.removesuffix("/api")
        for deployment in served:
            console.print(f"serving {deployment.full_name}", highlight=False)
        console.print(f"Start and watch runs at {web}/deployments; Ctrl-C ends the flows.", soft_wrap=True)
        garbage.collect_as_usual()
        prefect.serve(*served, print_starting_message=False)
