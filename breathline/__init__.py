"""Breathline in Python: ``breathline.load(MODEL)`` gives a model that predicts, embeds and explains recordings.

This package has code, unlike the others, because it is what programs import; no stage depends on it. Everything but the
check for foreign packages is imported at its first use.
"""

from typing import TYPE_CHECKING, Any

from breathline import shadowing

if TYPE_CHECKING:
    from breathline.loading import load
    from breathline.trained_model import Embeddings, Explanation, Model
    from tasks.prediction.results import Prediction, Segment, Summary

__all__ = ["Embeddings", "Explanation", "Model", "Prediction", "Segment", "Summary", "load"]

shadowing.check()

_MODULES = {
    "load": "breathline.loading",
    **dict.fromkeys(("Embeddings", "Explanation", "Model"), "breathline.trained_model"),
    **dict.fromkeys(("Prediction", "Segment", "Summary"), "tasks.prediction.results"),
}


def __getattr__(name: str) -> Any:
    """Return a function or class of the interface."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)
