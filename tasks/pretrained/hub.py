"""Download of weights from the Hugging Face hub at one commit."""

import logging
from pathlib import Path

from tasks.pretrained.settings import WeightsSettings
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources import proxies
from tasks.sources.responses import BUSY

TIMM_FILE = "model.safetensors"
TIMEOUT_S = 30.0  # of the request for the current commit
log = logging.getLogger("weights")


def fetch(settings: WeightsSettings, hint: str) -> tuple[Path, str | None]:
    """Return the path and the commit of a file on the hub.

    The file is that of `revision`. Without a revision, the hub is asked for its current commit. With a SHA-256 but no
    revision, the commit does not matter, and is None: a file in the hub's cache then needs no network.

    Args:
        settings: Source with the prefix `hf:` or `timm:`, revision and SHA-256.
        hint: Next step after an error.

    Raises:
        TransientError: The hub cannot be reached.
        BreathlineError: timm does not have the model, the hub does not have the file, or a SOCKS proxy is set without
            the package that it needs.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    proxies.require_socks()
    repository, file = _place(settings.source, hint)
    commit = settings.revision
    try:
        if commit is None and settings.sha256 is None:
            commit = HfApi().model_info(repository, timeout=TIMEOUT_S).sha
        return Path(hf_hub_download(repository, file, revision=commit)), commit
    except HfHubHTTPError as error:
        kind = TransientError if error.response.status_code in BUSY else BreathlineError
        what = f"The weights cannot be downloaded from the hub: {error}"
        raise kind(what, where=settings.source, hint=hint) from error
    except Exception as error:  # of the HTTP library that the hub's client has chosen
        if isinstance(error, OSError) and not isinstance(error, LocalEntryNotFoundError):
            raise  # a fault of the disk
        proxy = proxies.proxy_of(constants.ENDPOINT)
        what = f"The hub cannot be reached{f' through the proxy of {proxy}' if proxy else ''}: {error}"
        raise TransientError(what, where=settings.source, hint=hint) from error


def _place(source: str, hint: str) -> tuple[str, str]:
    """Return repository and file of a source."""
    kind, _, name = source.partition(":")
    if kind == "hf":
        organisation, repository, file = name.split("/", 2)
        return f"{organisation}/{repository}", file
    import timm

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        raise BreathlineError(f"timm has no weights of {name} on the hub.", where=source, hint=hint)
    return config.hf_hub_id, TIMM_FILE
