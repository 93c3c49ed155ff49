"""Registry of the corpora by name. An adapter is imported at its first use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from tasks.corpora.base import Corpus

_MODULES = {
    "demo": "tasks.corpora.demo.adapter",
    "hf_lung": "tasks.corpora.hf_lung.adapter",
    "icbhi": "tasks.corpora.icbhi.adapter",
    "kauh": "tasks.corpora.kauh.adapter",
    "sprsound": "tasks.corpora.sprsound.adapter",
    "table": "tasks.corpora.table.adapter",
}
# Adapters that settings of a corpus choose (`Corpus.variant`); params.yaml does not name them.
_VARIANTS = {"sprsound_recordings": "tasks.corpora.sprsound.whole_recordings"}
_corpora: dict[str, Corpus] = {}


def register(corpus: Corpus) -> None:
    """Make a corpus available by its name."""
    _corpora[corpus.name] = corpus


def get(name: str) -> Corpus:
    """Return a corpus.

    Raises:
        BreathlineError: There is no corpus of this name.
    """
    modules = _MODULES | _VARIANTS
    if name not in _corpora and name in modules:
        register(import_module(modules[name]).CORPUS)
    if name not in _corpora:
        raise BreathlineError(
            f"There is no corpus format `{name}`.",
            where="params.yaml: format",
            hint=f"use one of: {', '.join(names())}",
        )
    return _corpora[name]


def chosen(name: str, settings: Mapping[str, Any]) -> Corpus:
    """Return the adapter of a corpus that its settings choose.

    Args:
        name: Name of the corpus.
        settings: Settings of the download; those of the corpus are below its name.

    Raises:
        BreathlineError: There is no corpus of this name.
    """
    own = settings.get(name)
    return get(get(name).variant(own if isinstance(own, Mapping) else {}))


def names() -> list[str]:
    """Return the names of all corpora, sorted."""
    return sorted({*_MODULES, *_corpora} - _VARIANTS.keys())


def recognise(recording_ids: Collection[str]) -> Corpus | None:
    """Return the first published corpus that has a recording of one of these names, in form; or None."""
    for corpus in map(get, names()):
        if (
            corpus.has_own_names
            and not corpus.generated
            and any(corpus.is_name(recording_id) for recording_id in recording_ids)
        ):
            return corpus
    return None


def of_upload(upload: str) -> Corpus | None:
    """Return the corpus of which a dataset (``kaggle:owner/name``) is a copy; None if it is not known."""
    return next((corpus for corpus in map(get, names()) if upload in corpus.uploads and not corpus.generated), None)
