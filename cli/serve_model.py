"""Command `breathline serve-model`: predictions of a trained model over HTTP, with a web page."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import loaded_model
from cli.loaded_model import Engine
from tasks.runtime.consoles import make_console
from tasks.runtime.error_output import print_error
from tasks.runtime.errors import BreathlineError
from tasks.serving.settings import LOOPBACK, TOKEN_VARIABLE, Limits

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with what a user asks for
Hosts = Annotated[list[str], typer.Option("--allow-host", help="Further name of this server. Repeatable.")]
TokenFile = Annotated[Path | None, typer.Option(help=f"File with the token; default: the variable {TOKEN_VARIABLE}.")]
Seconds = Annotated[float, typer.Option(min=1, help="Longest time of an upload, and of its prediction, in seconds.")]


def serve_model(
    model: Annotated[
        str | None, typer.Argument(help="folder of an export, student@v1.2.0, or a Git revision; default: as `predict`")
    ] = None,
    *,
    seed: Annotated[int | None, typer.Option(help="Seed of the model; default: the lowest.")] = None,
    engine: Annotated[Engine, typer.Option(help="Engine; auto: onnx where the model has its file.")] = "auto",
    host: Annotated[str, typer.Option(help="Address to listen on; others need a token.")] = LOOPBACK[0],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")] = 8000,
    allow_host: Hosts = [],  # noqa: B006 - typer gives a list of its own
    token_file: TokenFile = None,
    max_mb: Annotated[int, typer.Option(min=1, max=2048, help="Largest recording in MB.")] = 64,
    max_seconds: Annotated[float, typer.Option(min=1, help="Longest recording in seconds.")] = 600,
    timeout: Seconds = 60,
    requests: Annotated[int, typer.Option(min=1, max=128, help="Maximum number of predictions at once.")] = 16,
    log: Annotated[Path | None, typer.Option(help="Log of use: an entry is added for each recording.")] = None,
    log_device: Annotated[str | None, typer.Option(help="Name of the recording device in the log.")] = None,
    maps: Annotated[
        bool, typer.Option("--maps", help="Show the parts of the sound on which each class depends; engine torch.")
    ] = False,
    grace: Annotated[int, typer.Option(min=0, help="Longest time for open requests at the end, in seconds.")] = 30,
) -> None:
    """Serve a trained model over HTTP until Ctrl-C: research only, not a medical device.

    The page at `/` takes a file, or records one. Programs send recordings to `POST /predict`; `/openapi.json` has all
    addresses. A recording is kept no longer than its prediction takes.
    """
    from tasks.prediction import use_log
    from tasks.prediction.results import CAUTION

    token = read_token(token_file)
    if host not in LOOPBACK and token is None:
        raise BreathlineError(
            f"A server on {host} can be reached by other machines, and there is no token.",
            where="--host",
            hint=f"`openssl rand -hex 32 > token` makes one, and `--token-file token` (or {TOKEN_VARIABLE}) states it",
        )
    console = make_console(highlight=False)
    if log is None and log_device is not None:
        what = "There is no log that the name of a device could be in."
        raise BreathlineError(what, where="--log-device", hint="give --log FILE as well")
    if log is not None:
        use_log.require_appendable(log)
    from tasks.serving import app, running
    from tasks.serving.service import Service

    listener = running.listen(host, port)
    limits = Limits(max_bytes=max_mb * 2**20, max_seconds=max_seconds, timeout_s=timeout, requests=requests)
    service = Service(loaded_model.load(model, seed, engine, console), limits, log, device=log_device, maps=maps)
    address, actual = listener.getsockname()[:2]
    url = f"http://[{address}]:{actual}" if ":" in address else f"http://{address}:{actual}"
    console.print(f"Serving {service.model.label} at {url}; Ctrl-C ends it.", soft_wrap=True, markup=False)
    console.print(" ".join(filter(None, (CAUTION, service.model.banner))), soft_wrap=True, markup=False)
    hosts = {*LOOPBACK, *allow_host, *([] if host in EVERYWHERE else [host])}
    running.serve(lambda uploads: app.create(service, uploads, hosts=hosts, token=token), listener, grace)


def read_token(path: Path | None) -> str | None:
    """Return the token of a file, or that of the environment; None without any.

    Raises:
        BreathlineError: The file cannot be read, or the token has no characters or others than visible ones of ASCII.
    """
    if path is None:
        token, where = os.environ.get(TOKEN_VARIABLE), TOKEN_VARIABLE
    else:
        where = str(path)
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise BreathlineError(f"The token cannot be read: {reason}.", where=where, hint="name a file") from error
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        what = "The token is empty." if not token else "The token has other characters than visible ones of ASCII."
        raise BreathlineError(what, where=where, hint="`openssl rand -hex 32` makes a token")
    return token


def main() -> None:
    """Run this command alone: the image for serving has none of the packages of the other commands."""
    try:
        typer.run(serve_model)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - none is shown with a traceback
        sys.exit(print_error(error))


if __name__ == "__main__":
    main()
