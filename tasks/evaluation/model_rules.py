"""Decision rules of all models of an evaluation, from their model cards."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from models.decision_rules import DecisionRule, of_ensemble
from models.file_names import CARD
from tasks.runtime.artifact_reading import read_json


def read(
    folders: Mapping[str, Path], ensemble: Sequence[str], selections: Sequence[str], native: str | None = None
) -> dict[tuple[str, str], DecisionRule]:
    """Return the decision rule of each model and of the ensemble, by model and selection, from the model cards.

    Args:
        folders: The folder of each model, by its name.
        ensemble: The names of the ensemble's members.
        selections: The selections of epochs.
        native: Corpus whose head's own classes are predicted; None for the shared classes.
    """
    cards = {name: read_json(folder / CARD) for name, folder in folders.items()}
    found = {
        (name, selection): DecisionRule.from_card(card, selection, native)
        for name, card in cards.items()
        for selection in selections
    }
    for selection in selections if ensemble else ():
        found["ensemble", selection] = of_ensemble([found[name, selection] for name in ensemble])
    return found
