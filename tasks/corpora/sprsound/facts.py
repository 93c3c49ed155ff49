"""Facts of SPRSound, and of other recordings in its format, for reports, cards and exports; texts in `facts.yaml`."""

from tasks.corpora import fact_texts
from tasks.corpora.sprsound import sides
from tasks.corpora.sprsound.labels import CLASSES
from tasks.runtime.corpus_facts import CorpusFacts, Identity

TEXTS = fact_texts.read(__file__)
NAME = COMPLETE = "sprsound"  # of the adapter, and of the identity of the complete release

DEVICE = "Yunting II"
LABEL_SETS = fact_texts.label_sets(TEXTS, CLASSES)
# Parts of the name as it writes them; label of the recording with five and with three classes; release; mapped types.
RECORDING_COLUMNS = dict.fromkeys(
    (
        *(f"sprsound_{part}" for part in ("patient", "age", "sex", "site", "number")),
        *("sprsound_record", "sprsound_record_3", "sprsound_release", "sprsound_also_wheeze"),
    ),
    "string",
)
CYCLE_COLUMNS = dict.fromkeys(("sprsound_event", "sprsound_release", "sprsound_also_wheeze"), "string")


def _splits() -> dict[str, str]:
    """Return the description of each split by name."""
    texts = TEXTS["splits"]
    found = {}
    for side in sides.TEST_SIDES:
        part, _, year = side.partition("-")
        found[side] = texts[f"{part}-YEAR"].format(year=year) if year else texts[part]
    return found | fact_texts.folds(texts["FOLD"])


SPLITS = _splits()


def facts(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings in SPRSound's format; those of SPRSound itself only for a verified identity."""
    return fact_texts.build(
        TEXTS,
        NAME,
        identity,
        label_sets=LABEL_SETS,
        splits=SPLITS,
        split_file=sides.FILE,
        prefixed_columns=list(dict.fromkeys([*RECORDING_COLUMNS, *CYCLE_COLUMNS])),
    )
