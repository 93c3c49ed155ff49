"""Stage `fbank`: the feature cache of one front end, of one corpus, saved in ``data/fbank/FRONTEND/CORPUS/``."""

import sys
from dataclasses import asdict

from models.frontends.registry import create_array
from models.frontends.settings import FrontEndSettings
from tasks import artifacts
from tasks.artifacts import CorpusFolders, Role
from tasks.features.cache import MAX_WORKERS, build
from tasks.runtime import allocator, hardware, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import stage


def main(item: str, role: Role = "training") -> None:
    """Run the stage for a corpus and a front end.

    Args:
        item: Keys of ``corpora`` or ``external``, and of ``frontends`` in params.yaml, as ``CORPUS-FRONTEND``.
        role: Whether the corpus is learned from, or only tested on.
    """
    corpus, _, name = item.rpartition("-")  # names of front ends have no hyphen
    folders = CorpusFolders(role, corpus)
    with stage(folders.stage("fbank", name)) as log:
        allocator.keep_freed_memory()
        key = f"frontends.{name}"
        settings = params.parse(FrontEndSettings, params.section(params.read(), key), key)
        try:
            front_end = create_array(name, **asdict(settings))
        except ValueError as error:
            hint = "correct the name or duration_s"
            raise BreathlineError(str(error), where=f"params.yaml: {key}", hint=hint) from error
        cycles, audio = folders.tables / artifacts.CYCLES.name, folders.waveforms / f"{front_end.sample_rate}.parquet"
        out, workers = folders.features(name), min(hardware.usable_cores(), MAX_WORKERS)
        build(front_end, cycles, audio, out, duration_s=settings.duration_s, workers=workers)
        log.info("Features of the front end %s: %s", name, out)


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
