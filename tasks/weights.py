"""Stage `weights`: one set of pretrained weights, saved in ``data/weights/NAME/``."""

import os
import sys
from pathlib import Path

from tasks import artifacts
from tasks.pretrained.settings import WeightsSettings
from tasks.pretrained.weights import LOCAL, write_weights
from tasks.runtime import params
from tasks.runtime.stage import stage
from tasks.runtime.user_paths import resolve

DOWNLOADS = Path(".checkpoints/weights")


def main(name: str) -> None:
    """Run the stage for one key of ``weights`` in params.yaml."""
    with stage(f"weights@{name}"):
        key = f"weights.{name}"
        settings = params.parse(WeightsSettings, params.section(params.read(), key), key)
        local = os.environ.get(LOCAL)
        folder = resolve(Path(local)) if local else None
        write_weights(name, settings, artifacts.WEIGHTS / name, local=folder, downloads=DOWNLOADS)


if __name__ == "__main__":
    main(*sys.argv[1:])
