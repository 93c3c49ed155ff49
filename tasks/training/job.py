"""Training of one teacher or student: from the feature cache to the folder of the trained network."""

import csv
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from models import artifact, file_names
from models.networks.base import Network
from models.networks.registry import create as create_network
from models.training import checkpoint as checkpoints
from models.training.distributed import ProcessGroup
from models.training.divergence import DivergenceError
from models.training.features import Features
from models.training.loop import fit
from models.training.registry import create as create_objective
from models.training.selection import LabelledCycles, TrainingData, check_data
from models.training.settings import ComputeSettings, NetworkSettings, SamplerName, Selection, TrainingSettings
from tasks import artifacts
from tasks.runtime import files
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import Subset
from tasks.training.decision_rules import card_entries
from tasks.training.decisions import CHOSEN_ON
from tasks.training.normalization import normalize
from tasks.training.progress import TrainingProgress
from tasks.training.torch_setup import as_breathline_error, set_up

CHECKPOINTS = Path(".checkpoints")
CODE = sorted(path for path in Path(__file__).parents[2].glob("models/**/*.py"))


def labelled_cycles(
    assignment: Assignment, features: Features, subset: Subset, soft: Mapping[str, npt.NDArray[np.float32]] | None
) -> LabelledCycles:
    """Return a subset's rows in the feature cache, labels and soft labels.

    Args:
        assignment: Labels and subsets of the cycles.
        features: Feature cache of the network's front end.
        subset: Name of the subset.
        soft: Soft labels ``(candidates, classes)`` by cycle; None for hard labels.

    Raises:
        BreathlineError: A cycle has no soft label.
    """
    cycles = assignment.cycles(subset)
    labels = np.array([assignment.targets[cycle] for cycle in cycles], dtype=np.int64)
    if soft is None:
        return LabelledCycles(rows=features.find(cycles), labels=labels)
    missing = [cycle for cycle in cycles if cycle not in soft]
    if missing:
        some = f"{len(missing)} training cycles have no soft label, such as {missing[0]}."
        what = some if soft else "There are no soft labels, because there are no teachers."
        hint = "run `dvc repro soft_labels`" if soft else "add teachers, or set objective.name to cross_entropy"
        raise BreathlineError(what, where=artifacts.SOFT_LABELS, hint=hint)
    return LabelledCycles(rows=features.find(cycles), labels=labels, soft=np.stack([soft[cycle] for cycle in cycles]))


def domains(assignment: Assignment, sampler: SamplerName) -> npt.NDArray[np.int64] | None:
    """Return an index of the device or corpus of each training cycle, for the samplers that balance these."""
    by_recording = {"device_balanced": assignment.devices, "corpus_balanced": assignment.corpora}.get(sampler)
    if by_recording is None:
        return None
    names = [by_recording[assignment.recordings[cycle]] for cycle in assignment.cycles("train")]
    _, index = np.unique(names, return_inverse=True)
    return index.astype(np.int64)


def train(
    network_settings: NetworkSettings,
    settings: TrainingSettings,
    assignment: Assignment,
    *,
    seed: int,
    selections: list[Selection],
    compute: ComputeSettings,
    group: ProcessGroup,
    features: Path,
    weights: Path,
    soft: Mapping[str, npt.NDArray[np.float32]] | None,
    out: Path,
    checkpoints_root: Path,
    log: logging.Logger,
) -> None:
    """Train one network and write its folder; resume an interrupted run with the same inputs.

    Args:
        network_settings: Architecture, options, front end and initial weights.
        settings: Settings of the training.
        assignment: Labels and subsets of the cycles.
        seed: Random seed of initialisation, sampling, augmentation and dropout.
        selections: Rules by which the best epoch is chosen; `val` must be among them.
        compute: Device, precision and threads.
        group: Group of the processes of this training. Each calls this function; the main process writes the folder.
        features: Folder of the feature cache.
        weights: Folder of the initial weights.
        soft: Soft labels ``(candidates, classes)`` of every training cycle; None for hard labels.
        out: Folder to write.
        checkpoints_root: Folder of the checkpoints of interrupted runs.
        log: Logger, with one line for each epoch.

    Raises:
        BreathlineError: An input is missing or does not fit the settings, or the loss is not finite.
    """
    set_up(compute)
    if "val" not in selections:
        raise BreathlineError("The selection val is missing.", where="params.yaml: selections", hint="add val")
    with as_breathline_error(
        where=features, hint=f"run `dvc repro` for the stages fbank@CORPUS-{network_settings.frontend}"
    ):
        cache = Features(features)
        data = TrainingData(
            features=cache,
            train=replace(
                labelled_cycles(assignment, cache, "train", soft), domains=domains(assignment, settings.sampler)
            ),
            selections={
                selection: labelled_cycles(assignment, cache, CHOSEN_ON[selection], None) for selection in selections
            },
            classes=assignment.outputs,
            heads=() if assignment.heads is None else assignment.heads.sizes,
        )
        subsets = {"train", *(CHOSEN_ON[selection] for selection in selections)}
        normalization = normalize(cache, settings.normalization, assignment, sorted(subsets))
    with as_breathline_error(where="params.yaml", hint="change batch_size, or validation.seed or validation.fraction"):
        check_data(settings, data)
    network = _network(network_settings, data, weights, seed)
    with as_breathline_error(where="params.yaml: objective"):
        objective = create_objective(settings.objective, data.train.labels, data.classes, network, data.heads)
    settings_and_data = [
        asdict(network_settings),
        asdict(settings),
        asdict(assignment),
        asdict(compute),
        data.train.soft,
    ]
    checkpoint = checkpoints_root / checkpoints.fingerprint(
        # The output folder is part of it, so that two teachers with equal settings do not share a checkpoint.
        [str(out), seed, selections, *settings_and_data],
        [*cache.files, weights / file_names.WEIGHTS, *CODE],
    )
    if group.is_main:
        log.info("%d training cycles; the epoch is chosen on %s", len(data.train.rows), _selection_sizes(data))
    shown = console if group.is_main else Console(emoji=False, quiet=True)
    with (
        TrainingProgress(settings.schedule.epochs, shown, log) as progress,
        as_breathline_error(where="params.yaml"),
        disk_errors(checkpoint),
    ):
        try:
            fitted = fit(
                network,
                objective,
                settings,
                data,
                seed=seed,
                compute=compute,
                checkpoint=checkpoint,
                group=group,
                on_batch=progress.on_batch,
                on_epoch=progress.on_epoch,
            )
        except DivergenceError as error:
            raise _diverged(error, features, network_settings.frontend, checkpoint) from error
    if not group.is_main:
        return
    card = {
        **asdict(network_settings),
        "frames": cache.frames,
        "mels": cache.mels,
        **cache.clip_settings,
        "labels": assignment.labels,
        "classes": list(assignment.classes),
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "selections": fitted.best,
        **({} if normalization is None else {"normalization": normalization.card()}),
        **card_entries(network, fitted.states, data, assignment, settings=settings.decision, compute=compute),
    }
    with disk_errors(out):
        artifact.save(out, {str(selection): state for selection, state in fitted.states.items()}, card)
    with (
        files.replacing(out / file_names.HISTORY) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(fitted.history[0]))
        writer.writeheader()
        writer.writerows(fitted.history)
    checkpoints.remove(checkpoint)


def _diverged(error: DivergenceError, features: Path, frontend: str, checkpoint: Path) -> BreathlineError:
    """Return the error of a diverged training, with the next step."""
    if error.inputs == "features":
        again = f"dvc repro --force --single-item fbank@CORPUS-{frontend}"
        hint = f"run `{again}` with their corpus; if the fault remains, look at these recordings"
        return BreathlineError(str(error), where=features, hint=hint)
    if error.inputs == "soft labels":
        hint = "run `dvc repro --force --single-item soft_labels`; if the fault remains, train the teachers anew"
        return BreathlineError(str(error), where=artifacts.SOFT_LABELS, hint=hint)
    kept = f"; epoch {error.epoch - 1} is kept in {checkpoint}" if error.epoch > 1 else ""
    hint = "lower optimizer.lr, set optimizer.clip_norm or compute.precision: fp32, or look at the data of these cycles"
    return BreathlineError(str(error), where="params.yaml: optimizer", hint=hint + kept)


def _network(settings: NetworkSettings, data: TrainingData, weights: Path, seed: int) -> Network:
    """Return the initial network; missing pretrained weights are an error."""
    source = weights / file_names.SOURCE
    published = read_json(source, {"sha256": (str, type(None))})["sha256"] is not None
    if published != (weights / file_names.WEIGHTS).exists():
        hint = f"run `dvc repro weights@{settings.weights}`"
        where = weights / file_names.WEIGHTS
        raise BreathlineError(f"The weights {settings.weights} are missing.", where=where, hint=hint)
    torch.manual_seed(seed)
    with as_breathline_error(where="params.yaml: architecture, options, weights"):
        return create_network(
            settings.architecture,
            frames=data.features.frames,
            mels=data.features.mels,
            classes=data.classes,
            options=settings.options,
            weights=weights,
            duration_s=data.features.clip_settings["duration_s"],
        )


def _selection_sizes(data: TrainingData) -> str:
    return ", ".join(f"{len(cycles.rows)} cycles ({selection})" for selection, cycles in data.selections.items())
