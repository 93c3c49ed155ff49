"""Training steps on a GPU without synchronisation."""

from functools import partial

import numpy as np
import pytest
import torch

from models.training.averaging import create as create_average
from models.training.batches import Batches
from models.training.distributed import ProcessGroup
from models.training.inference import autocast
from models.training.optimizers import create as create_optimizer
from models.training.registry import create
from models.training.schedules import schedule
from models.training.settings import ComputeSettings, MovingAverageSettings, ObjectiveSettings, PatchMixSettings
from models.training.steps import Loss, Steps
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys

PATCHMIX = ObjectiveSettings(name="patchmix_cl", class_weights="balanced", patchmix=PatchMixSettings(projection=12))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("optimizer", ["adamw", "sam", "look_sam", "momentum_sam"])
def test_no_step_waits_for_the_gpu(tmp_path, optimizer):
    device, data, group = torch.device("cuda"), toys.data(tmp_path), ProcessGroup()
    chosen = toys.settings(
        objective=PATCHMIX,
        optimizer=toys.optimizer(name=optimizer, clip_norm=1.0),
        moving_average=MovingAverageSettings(kind="ema", decay=0.9),
        micro_batch=4,
    )
    network = parallel.Patches().to(device)
    objective = create(chosen.objective, data.train.labels, data.classes, network).to(device)
    draw = partial(objective.draw, network)
    batches = Batches(chosen, data.train, data.features, seed=1, device=device, group=group, draw=draw)
    built = create_optimizer(chosen.optimizer, network, objective)
    steps = Steps(
        Loss(network, objective),
        built,
        schedule(chosen.schedule, built, batches.steps),
        create_average(chosen.moving_average, network, objective),
        context=autocast(ComputeSettings(device="cuda", precision="auto", threads=1), device),
        group=group,
    )
    losses = []
    with data.features.on_device(data.rows, device, gigabytes=1.0):
        epoch = batches.epoch(1)
        losses.append(steps.take(next(epoch)))  # makes what later steps find: the optimiser's state, kernels
        torch.cuda.set_sync_debug_mode("error")
        try:
            losses += [steps.take(batch) for batch in epoch]
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert np.isfinite([float(loss) for loss in losses]).all()
