"""The line of an epoch."""

import io
import logging

import pytest
from rich.console import Console

from models.training.loop import Epoch
from models.training.throughput import Throughput
from tasks.training.progress import TrainingProgress

SCORES = {"val_score_strict": 61.25, "val_score_lenient": 70.0, "val_sp": 80.0, "val_se_strict": 42.5}
ROW = {"epoch": 2, "train_loss": 0.5, **SCORES}


@pytest.mark.parametrize(
    ("speed", "words"),
    [
        (Throughput(4321.0, 1.8512, 3.2e14, 0.3234), "4321 clips/s, 1.85 ms a step, 32.3% of the peak rate"),
        (Throughput(55.4, 144.4, 5.43e9, None), "55 clips/s, 144 ms a step, 5.43 GFLOP/s"),
        (None, "trained before"),
    ],
)
def test_an_epoch_is_a_line_with_its_speed(caplog, speed, words):
    log = logging.getLogger("toy")
    with TrainingProgress(8, Console(file=io.StringIO()), log) as progress, caplog.at_level("INFO"):
        progress.on_epoch(Epoch(row=ROW, speed=speed))
    scores = "epoch 2/8  loss 0.500  val Score 61.2 strict, 70.0 lenient (Sp 80.0, Se 42.5)"
    assert caplog.messages == [f"{scores}  {words}"]
