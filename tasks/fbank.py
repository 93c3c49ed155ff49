"""Stage `fbank`: the feature cache of one front end, saved in ``data/fbank/FRONTEND/``."""

import sys
from dataclasses import asdict

from models.frontends.registry import create
from models.frontends.settings import FrontEndSettings
from tasks import artifacts
from tasks.features.cache import MAX_WORKERS, build
from tasks.runtime import hardware, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import stage


def main(name: str) -> None:
    """Run the stage for one key of ``frontends`` in params.yaml."""
    with stage(f"fbank@{name}") as log:
        key = f"frontends.{name}"
        settings = params.parse(FrontEndSettings, params.section(params.read(), key), key)
        try:
            front_end = create(name, **asdict(settings))
        except ValueError as error:
            hint = "correct the name, or make duration_s longer"
            raise BreathlineError(str(error), where=f"params.yaml: {key}", hint=hint) from error
        audio = artifacts.WAVEFORMS / f"{front_end.sample_rate}.parquet"
        out, workers = artifacts.FEATURE_CACHES / name, min(hardware.usable_cores(), MAX_WORKERS)
        build(front_end, artifacts.CYCLES, audio, out, duration_s=settings.duration_s, workers=workers)
        log.info("Features of the front end %s: %s", name, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
