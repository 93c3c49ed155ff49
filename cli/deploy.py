"""`breathline deploy`: set-up of a Prefect server for the flows."""

from pathlib import Path
from typing import Annotated

import typer

from tasks.runtime.consoles import make_console


def deploy(
    server: Annotated[str | None, typer.Option(help="Address of the Prefect server; default: PREFECT_API_URL.")] = None,
    pool: Annotated[
        list[str],
        typer.Option(help="Work pool to create, NAME or NAME:TYPE (process, docker, kubernetes). Repeatable."),
    ] = [],  # noqa: B006 - Typer reads the default and changes nothing
    gpus: Annotated[int | None, typer.Option(min=1, help="Number of GPUs that all machines use at once.")] = None,
    webhook: Annotated[
        str | None, typer.Option(envvar="BREATHLINE_WEBHOOK", help="URL that receives messages about failures.")
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(envvar="BREATHLINE_EMAIL", help="E-mail address for such messages: mailtos://… (Apprise)."),
    ] = None,
) -> None:
    """Send work pools, limits, automations and the deployments of prefect.yaml to a Prefect server.

    A second call updates everything and duplicates nothing.
    """
    from flows import prefect_server

    root = Path.cwd()
    console = make_console()
    with console.status("Looking for the Prefect server …"):
        url = prefect_server.require(server)
    from prefect.client.orchestration import get_client

    from flows.deployments import automations, pools, register

    wanted = {found.name: found for found in map(pools.parse, [*register.pools(root), *pool])}
    with get_client(sync_client=True) as client, console.status("Deploying …"):
        for lines in (
            pools.ensure(client, root, list(wanted.values())),
            pools.limit_gpus(client, gpus),
            automations.save_blocks(webhook, email),
            automations.ensure(client, root),
            register.deploy(client, root),
            register.deploy_workers(list(wanted)),
        ):
            for line in lines:
                console.print(line, markup=False, highlight=False, soft_wrap=True)
    web = url.removesuffix("/api")
    starts = "\n".join(f"  PREFECT_API_URL={url} prefect worker start --pool {name}" for name in wanted)
    console.print(f"\nNext, in this folder, start a worker for each pool that this machine serves:\n{starts}")
    console.print(f"Then open {web}/deployments, or start a run: `prefect deployment run pipeline/on-demand`.")
