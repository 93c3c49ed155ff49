"""Identity of recordings, in words, after they were compared with a published corpus."""

from tasks.corpora.fact_texts import Texts
from tasks.runtime.corpus_facts import Identity


def compared(
    name: str, texts: Texts, *, evidence: str, count: int, total: int, matched: int, verified: bool, **numbers: int
) -> Identity:
    """Return the identity of recordings that were compared with the published ones.

    Args:
        name: Name of the corpus; ``-part`` or ``-format`` follows it where not all recordings are here or verified.
        texts: Texts of the corpus, with the titles of its recordings and of own ones.
        evidence: Sentences that say what was compared.
        count: Number of recordings here.
        total: Number of published recordings.
        matched: Number of recordings here that equal published ones.
        verified: Whether all recordings here are published ones.
        numbers: Further numbers of the identity.
    """
    title, own_title = texts[name]["title"], texts["format"]["title"]
    complete = verified and count == total
    if verified:
        statement = title if complete else f"A part of {title} ({count:,} of {total:,} recordings)"
    elif matched:
        statement = f"{own_title} ({matched} of its {count} recordings are {title}'s)"
    else:
        statement = own_title
    return Identity(
        name=name if complete else f"{name}-part" if verified else own(name),
        statement=statement,
        evidence=evidence,
        verified=verified,
        complete=complete,
        recordings=count,
        known_recordings=total if verified else None,
        **numbers,
    )


def uncompared(name: str, texts: Texts, *, evidence: str, count: int) -> Identity:
    """Return the identity of recordings that nothing published can be compared with.

    Args:
        name: Name of the corpus.
        texts: Texts of the corpus.
        evidence: Sentences that say why nothing was compared.
        count: Number of recordings here.
    """
    statement = texts["format"]["title"]
    return Identity(
        name=own(name), statement=statement, evidence=evidence, verified=False, complete=False, recordings=count
    )


def own(name: str) -> str:
    """Return the name of the identity of own recordings in a corpus's format."""
    return f"{name}-format"
