"""Predictions of all trained models on the test cycles."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models import artifact
from models.decision_rules import DecisionRule
from models.file_names import CARD
from models.heads import Heads
from models.training.inference import pick_device, predict
from models.training.normalization import CycleSources
from models.training.settings import ComputeSettings, Selection
from tasks.distillation.soft_labels import Logits, combine
from tasks.evaluation.augmentation import mean_logits, rolls
from tasks.evaluation.predictions import Predictions
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console
from tasks.training import trained_networks


def read_cards(folders: Mapping[str, Path], labels: str) -> dict[str, dict[str, Any]]:
    """Return the contents of each model's ``model.json``.

    Args:
        folders: The folder of each model, by its name.
        labels: The label set of the evaluation.

    Raises:
        BreathlineError: A model card is missing or damaged, or the model was trained on another label set.
    """
    cards = {}
    for name, folder in folders.items():
        path = folder / CARD
        cards[name] = read_json(path, artifact.CARD_KEYS)
        if cards[name]["labels"] != labels:
            what = f"The model {name} was trained on {cards[name]['labels']}, not on {labels}."
            raise BreathlineError(what, where=path, hint="run `dvc repro`")
    return cards


def predict_all(
    folders: Mapping[str, Path],
    cycles: Sequence[str],
    sources: Sequence[CycleSources],
    *,
    selections: Sequence[Selection],
    compute: ComputeSettings,
    features_root: Path,
    corpora: Sequence[str] | None = None,
    native: str | None = None,
    shifts: int = 1,
) -> dict[Selection, dict[str, Logits]]:
    """Return the logits ``(cycles, classes)`` of every model in every selection.

    Those of a model with a head for each corpus are log-probabilities of the shared classes (`Heads.shared`), or the
    logits of one head.

    Args:
        folders: The folder of each model, by its name.
        cycles: The ids of the cycles to predict, such as the test cycles.
        sources: Recordings and devices of all cycles of the same subsets (`Assignment.sources`), also where only some
            are predicted.
        selections: The selections of epochs to evaluate.
        compute: Device and precision.
        features_root: The folder of the feature caches.
        corpora: Training corpus of each cycle; None for cycles of external corpora.
        native: Corpus whose head's own classes are wanted, of models with a head for each corpus.
        shifts: Number of shifted clips of each cycle, whose mean counts (`tasks.evaluation.augmentation`).

    Raises:
        BreathlineError: A model lacks a selection, or a cycle lacks its features.
    """
    logits: dict[Selection, dict[str, Logits]] = {selection: {} for selection in selections}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console(), disable=not console().is_terminal, transient=True) as progress:
        bar = progress.add_task("predicting", total=len(folders) * len(selections) * len(cycles) * shifts)
        for name, folder in folders.items():
            progress.update(bar, description=name)
            for selection in selections:
                trained = trained_networks.load(folder, selection, cycles, sources, features_root)
                network, card = trained.network.to(pick_device(compute)), trained.card
                heads, shifted = Heads.from_card(card), []
                for roll in rolls(trained.features.frames, shifts):
                    found = predict(
                        network,
                        trained.features,
                        trained.rows,
                        compute=compute,
                        roll=roll,
                        on_batch=lambda count: progress.advance(bar, count),
                    )
                    if heads is not None:
                        shared = len(card["classes"])
                        found = heads.native(found, native) if native else heads.shared(found, corpora, shared)
                    shifted.append(found)
                logits[selection][name] = mean_logits(shifted)
    return logits


def assemble(
    logits: Mapping[Selection, Mapping[str, Logits]],
    ensemble: Sequence[str],
    rules: Mapping[tuple[str, str], DecisionRule],
) -> list[Predictions]:
    """Return the predictions of every model and of the ensemble, whose logits are the mean of its members' logits.

    Args:
        logits: The logits of every model, by selection and model.
        ensemble: The names of the ensemble's members; without members there is no ensemble.
        rules: Decision rules by model and selection (`tasks.evaluation.model_rules`).
    """
    predictions = []
    for selection, models in logits.items():
        parts = {name: combine([values]) for name, values in models.items()}
        if ensemble:
            parts["ensemble"] = combine([models[name] for name in ensemble])
        predictions += [
            Predictions(name, selection, values[None], (rules[name, selection],)) for name, values in parts.items()
        ]
    return predictions
