"""Exports on the Hugging Face hub."""

import re
from pathlib import Path

from tasks.runtime.errors import BreathlineError
from tasks.sources import hub_library, proxies

# All that a prediction reads; a repository may hold more, which is not fetched.
FILES = ("model.json", "model.onnx", "model.safetensors", "*/model.json", "*/model.onnx", "*/model.safetensors")
NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def fetch(name: str) -> Path:
    """Return the local folder of an export on the hub, which is downloaded unless it is in the hub's cache.

    Args:
        name: ``owner/name``, or ``owner/name@revision``.

    Raises:
        BreathlineError: The name has another form, or the repository cannot be fetched.
    """
    found = NAME.fullmatch(name)
    if found is None:
        hint = "write hf:owner/name, or hf:owner/name@revision"
        raise BreathlineError(f"{name!r} is no repository of the hub.", where=name, hint=hint)
    from huggingface_hub import snapshot_download

    hub_library.disable_telemetry()
    proxies.check()
    with hub_library.hub_errors(f"model `{found['repository']}`", where=name, hint="check the name and the revision"):
        return Path(
            snapshot_download(
                found["repository"], revision=found["revision"], allow_patterns=list(FILES), max_workers=2
            )
        )
