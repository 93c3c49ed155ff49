"""Facts of ICBHI 2017, and of other corpora in its format, for reports, cards and exports; texts in `facts.yaml`."""

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from tasks.corpora.icbhi import expected, metadata
from tasks.corpora.icbhi.labels import CLASSES
from tasks.runtime.corpus_facts import CorpusFacts, Identity, LabelSet

TEXTS: dict[str, dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("facts.yaml"))
NAME, TITLE, OWN_TITLE = "icbhi", TEXTS["icbhi"]["title"], TEXTS["format"]["title"]
# Names of what the recordings are found to be (`Identity.name`).
COMPLETE, PART, OWN = "icbhi", "icbhi-part", "icbhi-format"

LABEL_SETS = {
    name: LabelSet(column=name, classes=CLASSES[name], description=text) for name, text in TEXTS["label_sets"].items()
}
RECORDING_COLUMNS = {
    **dict.fromkeys(("icbhi_recording_index", "icbhi_mode", "icbhi_name_in_split"), pa.string()),
    **dict.fromkeys(("icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm"), pa.float64()),
}
CYCLE_COLUMNS = dict.fromkeys(("icbhi_crackles", "icbhi_wheezes"), pa.int8())


def facts(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings in ICBHI's format; those of ICBHI itself only where the identity is verified."""
    layers = ("format", "icbhi", "complete" if identity.complete else "part") if identity.verified else ("format",)
    texts = {key: value for layer in layers for key, value in TEXTS[layer].items()}
    filled = {key: texts[key].format(**asdict(identity)) for key in ("description", "banner")}
    return TypeAdapter(CorpusFacts).validate_python(
        {
            **texts,
            **filled,
            "name": NAME,
            "identity": identity,
            "label_sets": LABEL_SETS,
            "split_file": metadata.SPLIT_FILE,
            "patients_on_both_sides": [str(one) for one in expected.PATIENTS_ON_BOTH_SIDES if identity.verified],
            "prefixed_columns": [*RECORDING_COLUMNS, *CYCLE_COLUMNS],
            "limits": [*texts.get("first_limits", ()), *texts["limits"]],
            "published": _published() if identity.verified and identity.complete else (),
        }
    )


def _published() -> list[dict[str, Any]]:
    """Return the published results of four lung sounds on the official split of the complete database, in percent.

    `published.tsv` has a row for each. `definition` is that of sensitivity. `selection` is the choice of the epoch: on
    the test set (paper), or without it (val). `recipes` are those of the same method.
    """
    with Path(__file__).with_name("published.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [{**row, "recipes": row["recipes"].split(), "labels": "lungsound_4", "split": "official"} for row in rows]
