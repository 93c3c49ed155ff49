"""Losses of the first steps of a training, without the rest of it."""

from models.training import loop
from models.training.settings import ComputeSettings
from tasks.training.jobs import TrainingJob
from tasks.training.preparation import prepare
from tasks.training.torch_setup import as_breathline_error


def compute(job: TrainingJob, settings: ComputeSettings) -> list[float]:
    """Return the losses of the first steps of a training in one process, as its record holds them.

    Args:
        job: Settings and inputs of the training.
        settings: Device, precision and threads.

    Raises:
        BreathlineError: An input is missing or does not fit the settings, or memory runs out.
    """
    prepared = prepare(job, settings)
    with as_breathline_error(where="params.yaml"):
        return loop.first_losses(
            prepared.network, prepared.objective, job.training, prepared.data, seed=job.seed, compute=settings
        )
