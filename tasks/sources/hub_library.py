"""Use of the library huggingface_hub: telemetry off, a limit of time, and errors for the user."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tasks.runtime import time_limit
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources import limits, proxies
from tasks.sources.responses import BUSY

Answer = TypeVar("Answer")
LOG_IN = "log in (`hf auth login`), or set HF_TOKEN"


def disable_telemetry() -> None:
    """Let the library send neither the versions of other packages nor the name of the program that started it."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True


def ask(request: Callable[[], Answer], repository: str, *, where: object, hint: str) -> Answer:
    """Return the answer to a request for facts about a repository, within the limit of time.

    Args:
        request: Function that sends the request; the library bounds each read alone, which a slow server repeats.
        repository: Kind and name of the repository, such as ``dataset `owner/name` ``.
        where: Key of params.yaml, or the source.
        hint: Next step after an error.

    Raises:
        TransientError: The hub cannot be reached, or is busy.
        BreathlineError: The hub refuses the request.
    """
    disable_telemetry()
    proxies.check()
    with hub_errors(repository, where=where, hint=hint):
        return time_limit.call(request, limits.ANSWER_S)


@contextmanager
def hub_errors(repository: str, *, where: object, hint: str) -> Iterator[None]:
    """Raise errors of the library huggingface_hub as errors for the user; leave BreathlineError as it is.

    Args:
        repository: Kind and name of the repository, such as ``dataset `owner/name` ``.
        where: Key of params.yaml, or the source.
        hint: Next step after any other error.

    Raises:
        TransientError: The hub cannot be reached, or is busy.
        BreathlineError: The hub refuses the request.
    """
    from huggingface_hub import constants, errors
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # not marked as exported

    try:
        yield
    except BreathlineError:
        raise
    except errors.GatedRepoError as error:
        what = f"The hub gives the {repository} only to users who have accepted its terms."
        raise BreathlineError(what, where=where, hint=f"accept them on its page, then {LOG_IN}") from error
    except errors.RevisionNotFoundError as error:
        what = f"The hub has no such revision of the {repository}."
        raise BreathlineError(what, where=where, hint=hint) from error
    except errors.RepositoryNotFoundError as error:
        what = f"The hub has no {repository}, or it is private."
        raise BreathlineError(what, where=where, hint=f"correct the name; for a private one, {LOG_IN}") from error
    except errors.HfHubHTTPError as error:
        code = error.response.status_code
        if code == 401:
            what = "The hub refuses your token."
            raise BreathlineError(what, where=where, hint=f"{LOG_IN}, with a valid token") from error
        limit = parse_ratelimit_headers(error.response.headers)
        pause = f", try again in {limit.reset_in_seconds} s" if limit and code == 429 else ""
        kind, step = (TransientError, f"try again later, or {hint}") if code in BUSY else (BreathlineError, hint)
        what = f"The hub does not describe the {repository}: HTTP {code} {error.response.reason_phrase}{pause}."
        raise kind(what, where=where, hint=step) from error
    except errors.HFValidationError as error:
        raise BreathlineError(f"The hub has no such names: {error}", where=where, hint=hint) from error
    except Exception as error:  # of the HTTP library that the hub's client has chosen
        proxy = proxies.proxy_of(constants.ENDPOINT)
        reason = str(error) or f"no complete answer within {limits.ANSWER_S:g} s"
        what = f"The hub cannot be reached{f' through the proxy of {proxy}' if proxy else ''}: {reason}"
        raise TransientError(what, where=where, hint=hint) from error
