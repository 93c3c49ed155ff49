"""Artifacts that flows published on the server of the session."""

from typing import Any


def artifact(key: str) -> Any:
    """Return the latest artifact under a key."""
    from prefect.artifacts import Artifact

    return Artifact.get(key)
