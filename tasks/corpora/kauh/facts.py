"""Facts of recordings in KAUH's format, for reports, cards and exports; texts in `facts.yaml`."""

from itertools import product

from tasks.corpora import fact_texts
from tasks.corpora.kauh.labels import CLASSES
from tasks.runtime.corpus_facts import CorpusFacts, Identity

TEXTS = fact_texts.read(__file__)
NAME = "kauh"
FILE = "kauh_source.json"  # names of the recordings in the source, and settings

RECORDINGS, PATIENTS = 336, 112  # that are published
DEVICE = "Litt3200"  # as ICBHI calls the Littmann 3200
LABEL_SETS = fact_texts.label_sets(TEXTS, CLASSES)
SPLITS = fact_texts.folds(TEXTS["splits"]["FOLD"])
# Name in the source; its filter; its sound; class of Crep that the settings ask for.
RECORDING_COLUMNS = dict.fromkeys(("kauh_name", "kauh_filter", "kauh_sound", "kauh_crep"), "string")
CYCLE_COLUMNS = dict.fromkeys(("kauh_filter", "kauh_sound", "kauh_crep"), "string")


def facts(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings in KAUH's format."""
    return fact_texts.build(
        TEXTS,
        NAME,
        identity,
        label_sets=LABEL_SETS,
        splits=SPLITS,
        group_columns=_group_columns(),
        prefixed_columns=list(RECORDING_COLUMNS),
    )


def _group_columns() -> list[dict[str, object]]:
    """Return the columns of groups, with words for the usual chest locations, such as ``P L L``."""
    parts = [TEXTS[name].items() for name in ("locations", "sides", "heights")]
    chosen = [tuple(zip(*one, strict=True)) for one in product(*parts)]
    words = {" ".join(letters): " ".join(named) for letters, named in chosen}
    columns = TEXTS["format"]["group_columns"]
    return [one | {"values": words} if one["column"] == "location" else one for one in columns]
