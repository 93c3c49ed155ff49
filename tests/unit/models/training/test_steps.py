"""Training steps on a GPU without synchronisation."""

import numpy as np
import pytest
import torch

from models.training.inference import autocast
from models.training.registry import create
from models.training.settings import ComputeSettings, MovingAverageSettings, ObjectiveSettings, PatchMixSettings
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys

PATCHMIX = ObjectiveSettings(name="patchmix_cl", class_weights="balanced", patchmix=PatchMixSettings(projection=12))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("optimizer", ["adamw", "sam", "look_sam", "momentum_sam"])
def test_no_step_waits_for_the_gpu(tmp_path, optimizer):
    device, data = torch.device("cuda"), toys.data(tmp_path)
    chosen = toys.settings(
        objective=PATCHMIX,
        optimizer=toys.optimizer(name=optimizer, clip_norm=1.0),
        moving_average=MovingAverageSettings(kind="ema", decay=0.9),
        micro_batch=4,
    )
    network = parallel.Patches().to(device)
    objective = create(chosen.objective, data.train.labels, data.classes, network).to(device)
    context = autocast(ComputeSettings(device="cuda", precision="auto", threads=1), device)
    batches, steps = toys.steps(chosen, data, network, objective, device=device, context=context)
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
