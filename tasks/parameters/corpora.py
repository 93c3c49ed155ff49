"""References of corpora in params.yaml: formats, sources, splits and label sets."""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.corpora import registry
from tasks.corpora.base import Corpus
from tasks.corpora.settings import SECTIONS
from tasks.runtime import allowed_values, faults
from tasks.runtime.faults import Fault, mapping_at, value_at
from tasks.runtime.yaml_files import Key
from tasks.subsets.settings import ALL, DEVICE


def find(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of corpora, their sources, splits and label sets."""
    formats: dict[str, Corpus] = {}
    for role, section in SECTIONS.items():
        for name in mapping_at(raw, (section,)):
            item = mapping_at(raw, (section, name))
            if name in formats:
                yield Fault((section, name), "has the name of a training corpus; allowed: another name")
            yield from faults.unknown_name((section, name, "format"), item, registry.names())
            if item.get("format") not in registry.names():
                continue
            corpus = registry.chosen(item["format"], item)
            yield from _source((section, name), item, corpus)
            yield from faults.unknown_name(("labels",), raw, list(corpus.label_sets))
            if role == "training":
                formats[name] = corpus
            elif item.get("test", ALL) != ALL:
                yield from _split((section, name, "test"), item["test"], corpus)
    yield from _splits(raw, formats)
    yield from _heads(raw, formats)
    yield from _noise_variances(raw, formats)


def _splits(raw: Mapping[str, Any], formats: Mapping[str, Corpus]) -> Iterator[Fault]:
    """Yield the faults of the split of all training corpora, or of that of each."""
    given = raw.get("split")
    if not isinstance(given, Mapping):
        for corpus in formats.values():
            yield from _split(("split",), given, corpus)
        return
    known = list(mapping_at(raw, ("corpora",)))
    for name in given:
        if name not in known:
            what = f"is no training corpus; allowed: {', '.join(known)}{allowed_values.suggestion(name, known)}"
            yield Fault(("split", name), what)
    for name, corpus in formats.items():
        if name in given:
            yield from _split(("split", name), given[name], corpus)
        else:
            yield Fault(("split", name), f"is missing; allowed: {', '.join(corpus.splits) or 'a split of the corpus'}")


def _heads(raw: Mapping[str, Any], formats: Mapping[str, Corpus]) -> Iterator[Fault]:
    """Yield the faults of the heads of corpora: names, label sets, and what they cannot be used with."""
    given, known = mapping_at(raw, ("heads",)), list(mapping_at(raw, ("corpora",)))
    for name in given:
        if name not in known:
            what = f"is no training corpus; allowed: {', '.join(known)}{allowed_values.suggestion(name, known)}"
            yield Fault(("heads", name), what)
    for name, corpus in formats.items() if given else ():
        if name not in given:
            yield Fault(("heads", name), f"is missing; allowed: {', '.join(corpus.label_sets)}")
        else:
            yield from faults.unknown_name(("heads", name), given, list(corpus.label_sets))
    if given and mapping_at(raw, ("teachers",)):
        what = "cannot be used with teachers, whose soft labels have one set of classes; allowed: {}, or teachers: {}"
        yield Fault(("heads",), what)


def _split(key: Key, given: Any, corpus: Corpus) -> Iterator[Fault]:
    """Yield the faults of a split or of its device."""
    split, at, device = str(given).partition(DEVICE)
    if isinstance(given, str | int) and corpus.splits and split not in corpus.splits:
        similar = allowed_values.suggestion(split, corpus.splits)
        others = f"{', '.join(corpus.splits)}, each also with {DEVICE}<device>{similar}"
        yield Fault(key, f"is {faults.shown(given)}{faults.odd_characters(split)}; allowed: {others}")
    if at and corpus.devices and device not in corpus.devices:
        what = f"is {faults.shown(given)}; allowed after {DEVICE}: {', '.join(corpus.devices)}"
        yield Fault(key, what + allowed_values.suggestion(device, corpus.devices))


def _source(key: Key, item: Mapping[str, Any], corpus: Corpus) -> Iterator[Fault]:
    """Yield the faults of the source of a corpus."""
    if item.get("source") != "publisher":
        return
    if not corpus.fetchable:
        what = "is publisher; allowed: archive, directory, with path; kaggle, hub, with dataset"
        why = f"because the corpus {corpus.name} cannot be fetched from its publisher"
        yield Fault((*key, "source"), f"{what}, {why}")
    for name in ("metadata", "sha256") if corpus.generated else ():
        if item.get(name) is not None:
            what = f"is {faults.shown(item[name])}; allowed: null, because the corpus {corpus.name} is generated"
            yield Fault((*key, name), what)


def _noise_variances(raw: Mapping[str, Any], formats: Mapping[str, Corpus]) -> Iterator[Fault]:
    """Yield a fault if there is not one variance for each class."""
    variances = value_at(raw, ("soft_labels", "noise_variance"))
    labels = str(raw.get("labels"))
    sets = [corpus.label_sets[labels] for corpus in formats.values() if labels in corpus.label_sets]
    if sets and sets[0].classes and isinstance(variances, list) and len(variances) != len(sets[0].classes):
        what = f"has {len(variances)} values for {len(sets[0].classes)} classes"
        yield Fault(("soft_labels", "noise_variance"), f"{what}; allowed: one number, or one for each class")
