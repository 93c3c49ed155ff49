"""Expectations of recordings in ICBHI's format, and of the complete ICBHI 2017 database."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from tasks.corpora.expectations import Expectations
from tasks.corpora.icbhi import expected, facts, labels, names
from tasks.runtime import templates
from tasks.runtime.corpus_facts import Identity

PATTERN = (
    rf"^[1-9][0-9]*_[0-9]+[a-z][0-9]+_(?:{'|'.join(names.CHEST_LOCATIONS)})_(?:{'|'.join(names.MODES)})"
    rf"_(?:{'|'.join(names.DEVICES)})$"
)
SOUNDS = {f"{c} {w}": {"crackles": c, "wheezes": w, "diagnosis": None} for c in (0, 1) for w in (0, 1)}
ILLNESSES = {name: {"crackles": 0, "wheezes": 0, "diagnosis": name} for name in labels.DIAGNOSES}


def expectations(identity: Identity) -> Expectations:
    """Return the expectations of recordings in ICBHI's format; with the published numbers for the complete corpus."""
    text = templates.render(
        __package__,
        "expectations.yaml.j2",
        complete=identity.name == facts.COMPLETE,
        pattern=PATTERN,
        expected=expected,
        names=names,
        labels=labels,
        sounds=_classes(("lungsound_4", "lungsound_2"), SOUNDS),
        illnesses=_classes(("diagnosis_3", "diagnosis_2"), ILLNESSES),
    )
    return TypeAdapter(Expectations).validate_python(YAML(typ="safe").load(text))


def _classes(label_sets: tuple[str, ...], values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return the class index in each label set, by the values that it follows from."""
    return {
        name: {key: index for key, given in values.items() if (index := labels.label(name, **given)) is not None}
        for name in label_sets
    }
