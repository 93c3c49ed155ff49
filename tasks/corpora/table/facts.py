"""Facts of a user's own recordings, for reports, cards and exports; texts in `facts.yaml`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from tasks import artifacts
from tasks.corpora.table import labels
from tasks.runtime.corpus_facts import CorpusFacts, Identity, LabelSet

TEXTS: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_name("facts.yaml"))
NAME = "table"
SUFFIXES = (".wav", *artifacts.OWN_AUDIO)
FOLDS = 5
RECORDING_COLUMNS = {"table_file": "string"}
CYCLE_COLUMNS = dict.fromkeys(("table_label", "table_class"), "string")
OWN = "own"  # side and split of the user's own test recordings
SPLITS = {
    OWN: TEXTS["splits"][OWN],
    **{str(fold): TEXTS["splits"]["FOLD"].format(fold=fold) for fold in range(FOLDS)},
}


def label_sets(own: Sequence[str]) -> dict[str, LabelSet]:
    """Return the label sets by name; the last has the user's own classes, normal first."""
    classes = {"lungsound_4": labels.LUNGSOUND_4, "lungsound_2": labels.LUNGSOUND_2, labels.OWN: tuple(own)}
    texts = TEXTS["label_sets"]
    return {name: LabelSet(column=name, classes=known, description=texts[name]) for name, known in classes.items()}


def facts(identity: Identity, own: Sequence[str]) -> CorpusFacts:
    """Return the facts of recordings.

    Args:
        identity: Name and number of the recordings.
        own: Classes of the user's own label set.
    """
    name = identity.name.rpartition("-")[0]
    title = TEXTS["title"].format(name=name)
    filled = {key: TEXTS[key].format(title=title, recordings=identity.recordings) for key in ("description", "banner")}
    return TypeAdapter(CorpusFacts).validate_python(
        {
            **{key: TEXTS[key] for key in ("origin", "cycle", "group_columns", "limits", "personal")},
            **filled,
            **dict.fromkeys(("licence", "citation", "homepage", "split_file")),
            **dict.fromkeys(("patients_on_both_sides", "published", "challenge_metrics"), ()),
            "name": NAME,
            "title": title,
            "identity": identity,
            "label_sets": label_sets(own),
            "splits": SPLITS,
            "prefixed_columns": [*RECORDING_COLUMNS, *CYCLE_COLUMNS],
        }
    )
