"""Limits of usable recordings of the project in the working directory, for models that state none."""

from tasks.checks.settings import UnusableLimits
from tasks.runtime import params


def project_limits() -> UnusableLimits | None:
    """Return `validate.unusable` of params.yaml; None outside of a project."""
    if not params.PARAMS.exists():
        return None
    key = "validate.unusable"
    return params.parse(UnusableLimits, params.section(params.read(), key), key)
