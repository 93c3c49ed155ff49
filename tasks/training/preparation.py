"""Preparation of a training: network, objective and data before the first step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models import file_names
from models.networks.base import Network
from models.networks.registry import create as create_network
from models.training.features import Features
from models.training.normalization import Normalization
from models.training.objectives import Objective
from models.training.registry import create as create_objective
from models.training.selection import LabelledCycles, TrainingData, check_data
from models.training.settings import ComputeSettings, NetworkSettings, SamplerName
from tasks import artifacts
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import Subset
from tasks.training import student
from tasks.training.decisions import CHOSEN_ON
from tasks.training.jobs import TrainingJob
from tasks.training.normalization import normalize
from tasks.training.torch_setup import as_breathline_error, set_up_training


@dataclass(frozen=True)
class PreparedTraining:
    """Everything that the first step of a training depends on, besides its settings."""

    network: Network  # initial network
    objective: Objective
    data: TrainingData
    cache: Features  # feature cache, normalised as the settings want
    normalization: Normalization | None  # normalisation for ``model.json``; None without one


def prepare(job: TrainingJob, compute: ComputeSettings) -> PreparedTraining:
    """Set up torch, and return the initial network, the objective and the data of a training.

    Args:
        job: Settings and inputs of the training.
        compute: Device, precision and threads.

    Raises:
        BreathlineError: An input is missing or does not fit the settings.
    """
    set_up_training(compute)
    assignment, settings = job.assignment, job.training
    if "val" not in job.selections:
        raise BreathlineError("The selection val is missing.", where="params.yaml: selections", hint="add val")
    soft = None if job.soft_labels is None else student.read_soft_labels(job.soft_labels)
    with as_breathline_error(
        where=job.features, hint=f"run `dvc repro` for the stages fbank@CORPUS-{job.network.frontend}"
    ):
        cache = Features(job.features)
        data = TrainingData(
            features=cache,
            train=replace(
                labelled_cycles(assignment, cache, "train", soft), domains=domains(assignment, settings.sampler)
            ),
            selections={
                selection: labelled_cycles(assignment, cache, CHOSEN_ON[selection], None)
                for selection in job.selections
            },
            classes=assignment.outputs,
            heads=() if assignment.heads is None else assignment.heads.sizes,
        )
        subsets = {"train", *(CHOSEN_ON[selection] for selection in job.selections)}
        normalization = normalize(cache, settings.normalization, assignment, sorted(subsets))
    with as_breathline_error(where="params.yaml", hint="change batch_size, or validation.seed or validation.fraction"):
        check_data(settings, data)
    network = _network(job.network, data, job.weights, job.seed)
    with as_breathline_error(where="params.yaml: objective"):
        objective = create_objective(settings.objective, data.train.labels, data.classes, network, data.heads)
    return PreparedTraining(network, objective, data, cache, normalization)


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
