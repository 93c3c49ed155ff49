"""Statements about data and models that cards and exports share: intended use and terms of use."""

from tasks.runtime.corpus_facts import CorpusFacts

INTENDED = (
    "Research on the classification of breath cycles: comparing methods, teaching, and reproducing results.",
    "Not for diagnosis, triage, monitoring or any other decision about a person: this is no medical device, and nobody "
    "has assessed it as one.",
)
UNKNOWN_TERMS = "The terms of use of the recordings are unknown: ask their owner."


def terms(facts: CorpusFacts) -> str:
    """Return the terms of use of the recordings in words."""
    return UNKNOWN_TERMS if facts.licence is None else facts.licence.text
