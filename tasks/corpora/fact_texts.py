"""Facts of a corpus from the layers of texts in its `facts.yaml`, for reports, cards and exports.

`format` holds for all recordings in the corpus's format. Of verified recordings, the layer with the corpus's name
overrides it, then `complete` or `part`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from tasks.runtime.corpus_facts import CorpusFacts, Identity, LabelSet

Texts = Mapping[str, Mapping[str, Any]]
FOLDS = 5  # folds that `extract` draws for corpora without a published division


def read(module: str) -> Texts:
    """Return the texts beside a module.

    Args:
        module: Path of the module, its ``__file__``.
    """
    texts: Texts = YAML(typ="safe").load(Path(module).with_name("facts.yaml"))
    return texts


def label_sets(texts: Texts, classes: Mapping[str, tuple[str, ...]]) -> dict[str, LabelSet]:
    """Return the label sets that the texts describe.

    Args:
        texts: Texts with a section `label_sets`.
        classes: Classes of each label set; the column has its name.
    """
    described = texts["label_sets"].items()
    return {name: LabelSet(column=name, classes=classes[name], description=text) for name, text in described}


def folds(text: str) -> dict[str, str]:
    """Return the description of each drawn fold, as split, by name; `text` has the placeholder ``{fold}``."""
    return {str(fold): text.format(fold=fold) for fold in range(FOLDS)}


def build(texts: Texts, name: str, identity: Identity, **own: Any) -> CorpusFacts:
    """Return the facts of recordings; those of the published corpus only where the identity is verified.

    Args:
        texts: Texts of `facts.yaml`. Those with placeholders are filled with fields of the identity.
        name: Name of the corpus adapter, and of the layer of the published corpus.
        identity: Result of comparing the recordings with the published corpus.
        own: Facts that are no texts.
    """
    layers = ("format", name, "complete" if identity.complete else "part") if identity.verified else ("format",)
    chosen = {key: value for layer in layers for key, value in texts[layer].items()}
    filled = {key: chosen[key].format(**asdict(identity)) for key in ("description", "banner")}
    limits = [*chosen.get("first_limits", ()), *chosen["limits"]]
    given = {"patients_on_both_sides": (), "published": (), "split_file": None} | own
    return TypeAdapter(CorpusFacts).validate_python(
        {**chosen, **filled, "limits": limits, "name": name, "identity": identity, **given}
    )
