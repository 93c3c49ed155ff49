"""Facts of SPRSound, and of other recordings in its format, for reports, cards and exports; texts in `facts.yaml`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from tasks.corpora.sprsound import sides
from tasks.corpora.sprsound.labels import CLASSES
from tasks.runtime.corpus_facts import CorpusFacts, Identity, LabelSet

TEXTS: dict[str, dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("facts.yaml"))
NAME, TITLE, OWN_TITLE = "sprsound", TEXTS["sprsound"]["title"], TEXTS["format"]["title"]
# Names of what the recordings are found to be (`Identity.name`).
COMPLETE, PART, OWN = "sprsound", "sprsound-part", "sprsound-format"

DEVICE = "Yunting II"
FOLDS = 5
LABEL_SETS = {
    name: LabelSet(column=name, classes=CLASSES[name], description=text) for name, text in TEXTS["label_sets"].items()
}
# Parts of the name as it writes them; label of the recording with five and with three classes; release; mapped types.
RECORDING_COLUMNS = dict.fromkeys(
    (
        *(f"sprsound_{part}" for part in ("patient", "age", "sex", "site", "number")),
        *("sprsound_record", "sprsound_record_3", "sprsound_release", "sprsound_also_wheeze"),
    ),
    pa.string(),
)
CYCLE_COLUMNS = dict.fromkeys(("sprsound_event", "sprsound_release", "sprsound_also_wheeze"), pa.string())


def _splits() -> dict[str, str]:
    """Return the description of each split by name."""
    texts = TEXTS["splits"]
    found = {}
    for side in sides.TEST_SIDES:
        part, _, year = side.partition("-")
        found[side] = texts[f"{part}-YEAR"].format(year=year) if year else texts[part]
    return found | {str(fold): texts["FOLD"].format(fold=fold) for fold in range(FOLDS)}


SPLITS = _splits()


def facts(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings in SPRSound's format; those of SPRSound itself only for a verified identity."""
    layers = ("format", "sprsound", "complete" if identity.complete else "part") if identity.verified else ("format",)
    texts = {key: value for layer in layers for key, value in TEXTS[layer].items()}
    filled = {key: texts[key].format(**asdict(identity)) for key in ("description", "banner")}
    return TypeAdapter(CorpusFacts).validate_python(
        {
            **texts,
            **filled,
            "name": NAME,
            "identity": identity,
            "label_sets": LABEL_SETS,
            "splits": SPLITS,
            "split_file": sides.FILE,
            "patients_on_both_sides": (),
            "prefixed_columns": list(dict.fromkeys([*RECORDING_COLUMNS, *CYCLE_COLUMNS])),
            "limits": [*texts.get("first_limits", ()), *texts["limits"]],
            "published": (),
        }
    )
