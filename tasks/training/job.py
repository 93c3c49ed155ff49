"""Training of one teacher or student: from the feature cache to the folder of the trained network."""

import csv
import logging
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from models import artifact, file_names
from models.training import checkpoint as checkpoints
from models.training.distributed import ProcessGroup
from models.training.divergence import DivergenceError
from models.training.loop import fit
from models.training.selection import TrainingData
from models.training.settings import ComputeSettings
from tasks import artifacts
from tasks.runtime import files
from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console
from tasks.training.decision_rules import card_entries
from tasks.training.jobs import TrainingJob
from tasks.training.preparation import prepare
from tasks.training.progress import TrainingProgress
from tasks.training.torch_setup import as_breathline_error

CHECKPOINTS = Path(".checkpoints")
CODE = sorted(path for path in Path(__file__).parents[2].glob("models/**/*.py"))


def train(
    job: TrainingJob,
    *,
    compute: ComputeSettings,
    group: ProcessGroup,
    out: Path,
    checkpoints_root: Path,
    log: logging.Logger,
) -> list[float] | None:
    """Train one network and write its folder; resume an interrupted run with the same inputs.

    Args:
        job: Settings and inputs of the training.
        compute: Device, precision and threads.
        group: Group of the processes of this training. Each calls this function; the main process writes the folder.
        out: Folder to write.
        checkpoints_root: Folder of the checkpoints of interrupted runs.
        log: Logger, with one line for each epoch.

    Returns:
        Losses of the first steps, or None in several processes, whose last bits depend on their number.

    Raises:
        BreathlineError: An input is missing or does not fit the settings, or the loss is not finite.
    """
    prepared = prepare(job, compute)
    network, data, cache, settings = prepared.network, prepared.data, prepared.cache, job.training
    settings_and_data = [
        asdict(job.network),
        asdict(settings),
        asdict(job.assignment),
        asdict(compute),
        data.train.soft,
    ]
    checkpoint = checkpoints_root / checkpoints.fingerprint(
        # The output folder is part of it, so that two teachers with equal settings do not share a checkpoint.
        [str(out), job.seed, job.selections, *settings_and_data],
        [*cache.files, job.weights / file_names.WEIGHTS, *CODE],
    )
    if group.is_main:
        log.info("%d training cycles; the epoch is chosen on %s", len(data.train.rows), _selection_sizes(data))
    shown = console() if group.is_main else Console(emoji=False, quiet=True)
    with (
        TrainingProgress(settings.schedule.epochs, shown, log) as progress,
        as_breathline_error(where="params.yaml"),
        disk_errors(checkpoint),
    ):
        try:
            fitted = fit(
                network,
                prepared.objective,
                settings,
                data,
                seed=job.seed,
                compute=compute,
                checkpoint=checkpoint,
                group=group,
                on_batch=progress.on_batch,
                on_epoch=progress.on_epoch,
            )
        except DivergenceError as error:
            raise _diverged(error, job.features, job.network.frontend, checkpoint) from error
    if not group.is_main:
        return None
    normalization, assignment = prepared.normalization, job.assignment
    card = {
        **asdict(job.network),
        "frames": cache.frames,
        "mels": cache.mels,
        **cache.clip_settings,
        "labels": assignment.labels,
        "classes": list(assignment.classes),
        "seed": job.seed,
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
    return fitted.first_losses if group.size == 1 else None


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


def _selection_sizes(data: TrainingData) -> str:
    return ", ".join(f"{len(cycles.rows)} cycles ({selection})" for selection, cycles in data.selections.items())
