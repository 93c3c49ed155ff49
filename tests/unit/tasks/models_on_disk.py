"""A model's folder with a network that was never trained, but tells pieces apart."""

from pathlib import Path
from typing import Any

import torch

from models import artifact
from models.frontends.registry import create as create_front_end
from models.heads import KEY, Heads
from models.networks.registry import create
from tasks.corpora.icbhi.labels import CLASSES

DURATION_S = 1.0
NETWORK: dict[str, Any] = {"architecture": "ast", "options": {"size": "tiny", "depth": 1, "stride": 16}}


def write(folder: Path, heads: Heads | None = None) -> Path:
    """Write the folder of a model of the front end ast, for clips of a second, and return it.

    Args:
        folder: The folder.
        heads: Heads of the corpora; None for one head.
    """
    torch.manual_seed(1)
    front_end = create_front_end("ast", DURATION_S)
    shape = {"frames": front_end.frames, "mels": front_end.mels}
    classes = CLASSES["lungsound_4"]
    network = create(**NETWORK, **shape, classes=heads.outputs if heads else len(classes), weights=None)
    card = {**NETWORK, **shape, "frontend": "ast", "duration_s": DURATION_S}
    card |= {"labels": "lungsound_4", "classes": list(classes), **({KEY: heads.card()} if heads else {})}
    artifact.save(folder, {"val": network.state_dict()}, card)
    return folder
