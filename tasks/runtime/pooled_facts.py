"""Facts of several training corpora together, as later stages read them."""

from collections.abc import Iterable, Sequence

from tasks.runtime.corpus_facts import CorpusFacts, GroupColumn, Identity, LabelSet, Licence
from tasks.runtime.errors import BreathlineError

CORPUS = GroupColumn(column="corpus", title="Corpus")


def pool(parts: Sequence[CorpusFacts]) -> CorpusFacts:
    """Return the facts of all corpora together: those of the only one, or joined ones with `parts`.

    Joined facts name no published result, because none is on the same recordings.

    Args:
        parts: Facts of each corpus, in the order of their names.

    Raises:
        BreathlineError: Two corpora have a label set of one name and other classes.
    """
    if len(parts) == 1:
        return parts[0]
    return CorpusFacts(
        name="+".join(part.name for part in parts),
        format="+".join(_distinct(part.format for part in parts)),
        title=_listed(part.title for part in parts),
        identity=_identity([part.identity for part in parts]),
        description=" ".join(_distinct(part.description for part in parts)),
        origin=_listed(part.origin for part in parts),
        cycle="; ".join(_distinct(part.cycle for part in parts)),
        label_sets=_label_sets(parts),
        splits={name: text for part in parts for name, text in part.splits.items()},
        split_file=None,
        patients_on_both_sides=tuple(one for part in parts for one in part.patients_on_both_sides),
        group_columns=(CORPUS, *_group_columns(parts)),
        prefixed_columns=tuple(_distinct(one for part in parts for one in part.prefixed_columns)),
        banner=" ".join(_distinct(part.banner for part in parts if part.banner)),
        licence=_licence(parts),
        citation="\n".join(_distinct(part.citation for part in parts if part.citation)) or None,
        homepage=None,
        limits=tuple(_distinct(one for part in parts for one in part.limits)),
        personal=tuple(_distinct(one for part in parts for one in part.personal)),
        published=(),
        challenge_metrics=(),
        creators=tuple(_distinct(one for part in parts for one in part.creators)),
        generated=any(part.generated for part in parts),
        parts=tuple(parts),
    )


def _identity(parts: Sequence[Identity]) -> Identity:
    known = [part.known_recordings for part in parts]
    return Identity(
        name="+".join(part.name for part in parts),
        statement=_listed(part.statement for part in parts),
        evidence=" ".join(part.evidence for part in parts),
        verified=all(part.verified for part in parts),
        complete=all(part.complete for part in parts),
        recordings=sum(part.recordings for part in parts),
        known_recordings=None if None in known else sum(number or 0 for number in known),
        matched_annotations=sum(part.matched_annotations for part in parts),
        matched_audio=sum(part.matched_audio for part in parts),
    )


def _label_sets(parts: Sequence[CorpusFacts]) -> dict[str, LabelSet]:
    """Return the label sets of all corpora; a cycle of a corpus without one of them has no label in it."""
    found: dict[str, LabelSet] = {}
    for part in parts:
        for name, labels in part.label_sets.items():
            first = found.setdefault(name, labels)
            if (first.column, first.classes) != (labels.column, labels.classes):
                raise BreathlineError(
                    f"The label set `{name}` of the corpus {part.name} has other classes than that of another corpus.",
                    where="params.yaml: corpora",
                    hint="rename the label set, or train on one of the corpora",
                )
    return found


def _group_columns(parts: Sequence[CorpusFacts]) -> list[GroupColumn]:
    """Return the columns by which results of any of the corpora are grouped, as far as all tables have them."""
    found: dict[str, GroupColumn] = {}
    for part in parts:
        for group in part.group_columns:
            before = found.get(group.column)
            values = {**(before.values if before else {}), **group.values}
            found[group.column] = GroupColumn(column=group.column, title=group.title, values=values)
    return list(found.values())


def _licence(parts: Sequence[CorpusFacts]) -> Licence | None:
    """Return the terms of all corpora, or None if those of one are unknown."""
    terms = {part.title: part.licence for part in parts}
    known = {title: one for title, one in terms.items() if one is not None}
    if len(known) < len(terms):
        return None
    text = " ".join(f"{title}: {one.text}" for title, one in known.items())
    return Licence(name=_listed(one.name for one in known.values()), text=text)


def _listed(texts: Iterable[str]) -> str:
    """Return distinct texts as an enumeration: `a, b and c`."""
    *first, last = _distinct(texts)
    return f"{', '.join(first)} and {last}" if first else last


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
