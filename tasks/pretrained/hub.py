"""Addresses of weights on the Hugging Face hub, at one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.pretrained.settings import WeightsSettings
from tasks.runtime.errors import BreathlineError
from tasks.sources import limits
from tasks.sources.hub_library import ask, disable_telemetry

TIMM_FILE = "model.safetensors"


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """File of a repository on the hub.

    Attributes:
        url: URL of the file at the commit.
        commit: Commit; None where a SHA-256 identifies the file.
        headers: Headers of the request, with the user's token if there is one.
        cached: File in the hub's own cache, if it is there.
    """

    url: str
    commit: str | None
    headers: Mapping[str, str]
    cached: Path | None


def find(settings: WeightsSettings, hint: str) -> HubFile:
    """Return the file of a source: at its `revision`, else at the current commit, for which the hub is asked.

    Args:
        settings: Source with the prefix `hf:` or `timm:`, revision and SHA-256.
        hint: Next step after an error.

    Raises:
        TransientError: The hub cannot be reached.
        BreathlineError: timm does not have the model, the hub does not have the repository, or HF_HUB_OFFLINE is set.
    """
    from huggingface_hub import constants, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # not marked as exported

    disable_telemetry()
    repository, file = _place(settings.source, hint)
    commit = settings.revision
    if commit is None and settings.sha256 is None:
        commit = _current_commit(repository, settings.source, hint)
    cached = try_to_load_from_cache(repository, file, cache_dir=constants.HF_HUB_CACHE, revision=commit)
    if not isinstance(cached, str) and constants.HF_HUB_OFFLINE:
        raise BreathlineError(
            "The weights are not in the hub's cache, and HF_HUB_OFFLINE is set.", where=settings.source, hint=hint
        )
    return HubFile(
        url=hf_hub_url(repository, file, revision=commit),
        commit=commit,
        headers=build_hf_headers(),
        cached=Path(cached) if isinstance(cached, str) else None,
    )


def _current_commit(repository: str, source: str, hint: str) -> str:
    """Return the commit of a repository's main branch."""
    from huggingface_hub import HfApi

    request = partial(HfApi().model_info, repository, timeout=limits.ANSWER_S)
    return str(ask(request, f"repository `{repository}`", where=source, hint=hint).sha)


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
