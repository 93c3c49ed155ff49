"""Facts of ICBHI 2017, and of other corpora in its format, for reports, cards and exports; texts in `facts.yaml`."""

import csv
from pathlib import Path
from typing import Any

from tasks.corpora import fact_texts
from tasks.corpora.icbhi import expected, metadata
from tasks.corpora.icbhi.labels import CLASSES
from tasks.runtime.corpus_facts import CorpusFacts, Identity

TEXTS = fact_texts.read(__file__)
NAME, TITLE = "icbhi", TEXTS["icbhi"]["title"]
# Names of what the recordings are found to be (`Identity.name`).
COMPLETE, PART, OWN = "icbhi", "icbhi-part", "icbhi-format"

LABEL_SETS = fact_texts.label_sets(TEXTS, CLASSES)
RECORDING_COLUMNS = {
    **dict.fromkeys(("icbhi_recording_index", "icbhi_mode", "icbhi_name_in_split"), "string"),
    **dict.fromkeys(("icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm"), "float64"),
}
CYCLE_COLUMNS = dict.fromkeys(("icbhi_crackles", "icbhi_wheezes"), "int8")


def facts(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings in ICBHI's format; those of ICBHI itself only where the identity is verified."""
    return fact_texts.build(
        TEXTS,
        NAME,
        identity,
        label_sets=LABEL_SETS,
        split_file=metadata.SPLIT_FILE,
        patients_on_both_sides=[str(one) for one in expected.PATIENTS_ON_BOTH_SIDES if identity.verified],
        prefixed_columns=[*RECORDING_COLUMNS, *CYCLE_COLUMNS],
        published=_published() if identity.verified and identity.complete else (),
    )


def _published() -> list[dict[str, Any]]:
    """Return the published results of four lung sounds on the official split of the complete database, in percent.

    `published.tsv` has a row for each. `definition` is that of sensitivity. `selection` is the choice of the epoch: on
    the test set (paper), or without it (val). `recipes` are those of the same method.
    """
    with Path(__file__).with_name("published.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [{**row, "recipes": row["recipes"].split(), "labels": "lungsound_4", "split": "official"} for row in rows]
