"""Facts of recordings in HF_Lung's format, for reports, cards and exports; texts in `facts.yaml`."""

from tasks.corpora import fact_texts
from tasks.corpora.hf_lung import sides
from tasks.corpora.hf_lung.labels import CLASSES
from tasks.runtime.corpus_facts import CorpusFacts, Identity

TEXTS = fact_texts.read(__file__)
NAME = "hf_lung"

RECORDINGS = 9765  # that are published
SECONDS = 15.0  # of each published recording
LABEL_SETS = fact_texts.label_sets(TEXTS, CLASSES)
SPLITS = {name: TEXTS["splits"][name] for name in ("official", "official-disjoint")}
SPLITS |= fact_texts.folds(TEXTS["splits"]["FOLD"])
# Class of unannotated breaths, and sounds that count as wheeze, as the settings ask for.
_SETTINGS = dict.fromkeys(("hf_lung_unannotated", "hf_lung_also_wheeze"), "string")
# Parts of the name; number of sounds outside of all breaths.
RECORDING_COLUMNS = {
    **dict.fromkeys(("hf_lung_series", "hf_lung_take", "hf_lung_date"), "string"),
    "hf_lung_sounds_outside": "int32",
    **_SETTINGS,
}
CYCLE_COLUMNS = {
    **dict.fromkeys(("hf_lung_phase", "hf_lung_sounds"), "string"),
    **dict.fromkeys(("hf_lung_d", "hf_lung_wheeze", "hf_lung_rhonchi", "hf_lung_stridor"), "int8"),
    **_SETTINGS,
}


def facts(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings in HF_Lung's format."""
    return fact_texts.build(
        TEXTS,
        NAME,
        identity,
        label_sets=LABEL_SETS,
        splits=SPLITS,
        split_file=sides.FILE,
        prefixed_columns=list(dict.fromkeys([*RECORDING_COLUMNS, *CYCLE_COLUMNS])),
    )
