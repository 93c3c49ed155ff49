"""Time and memory by hours of audio, from `download` to a training epoch: ``python -m benchmarks.scale FOLDER``.

For each number of hours, a project with generated recordings is made below FOLDER, and its stages run one after the
other as DVC starts them, with their records. Then follow DVC's own work and the commands with nothing to do. DVC's
cache holds hard links, so that the outs are on the disk once. 100 hours need 20 GB. With other work on the cores, CPU
seconds tell more than seconds.

    nice -n 10 python -m benchmarks.scale /scratch/scale --hours 1 10 100
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks import generated_corpus, stages
from tests import toy

TARGET = "train_teacher@plain"
STAGES = ("download@generated", "extract@generated", "validate@generated", "fbank@generated-ast", "pool")
STAGES += ("weights@scratch", TARGET)
BREATHLINE = "from cli.start import main; main()"
# What is measured in bytes, by its place in the project.
PLACES = {
    "recordings and annotations": "data/raw",
    "tables": "data/extracted",
    "waveforms": "data/waveforms",
    "features": "data/fbank",
    "records": "data/lineage",
    "dvc.lock": "dvc.lock",
    "DVC's cache and database": ".dvc",
}


def main() -> None:
    """Print a Markdown table for each number of hours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the projects")
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--keep", action="store_true", help="keep the projects, which are removed otherwise")
    options = parser.parse_args()
    for hours in options.hours:
        folder = options.folder / f"{hours:g}h"
        recordings = round(hours * generated_corpus.PER_HOUR)
        began = time.perf_counter()
        generated_corpus.write(folder / "recordings", recordings)
        print(f"\n{hours:g} h: {recordings:,} recordings, generated in {time.perf_counter() - began:.0f} s\n")
        measure(project(folder / "project", folder / "recordings"))
        if not options.keep:
            shutil.rmtree(folder)


def project(folder: Path, recordings: Path) -> Path:
    """Return a copy of this project that learns from some recordings for one epoch."""
    toy.checkout(toy.ROOT, folder)
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["corpora"] = {"generated": {"format": "icbhi", "source": "directory", "path": str(recordings.resolve())}}
    params["frontends"] = {"ast": {"duration_s": generated_corpus.CYCLE_S}}
    plain = params["teachers"]["plain_s1"] | {"frontend": "ast"}
    plain["override"] = {"schedule": {"epochs": 1, "warmup_epochs": 0}, "batch_size": 32}
    params["teachers"] = {"plain": plain}
    params["student"] |= {"frontend": "ast"}
    params["student"]["objective"]["name"] = "cross_entropy"
    yaml.dump(params, folder / "params.yaml")
    settings = "[core]\n    site_cache_dir = {folder}/.dvc/site\n[cache]\n    type = hardlink\n"
    (folder / ".dvc/config.local").write_text(settings.format(folder=folder.resolve()), encoding="utf-8")
    toy.commit(folder, "Generated recordings")
    return folder


def measure(folder: Path) -> None:
    """Run the stages and commands in a project, and print a line for each, then the sizes of what was written."""
    python = [sys.executable]
    commands = {f"`{stage}`": [*python, "-m", "cli.stage", stage] for stage in STAGES}
    dvc = [*python, "-m", "dvc"]
    commands["DVC: hashes, cache, `dvc.lock`"] = [*dvc, "commit", "--force", *STAGES]
    commands["`dvc status`"] = [*dvc, "status", *STAGES]
    commands["`dvc repro`, nothing to do"] = [*dvc, "repro", TARGET]
    breathline = [*python, "-c", BREATHLINE]
    commands["`breathline plan`"] = [*breathline, "plan", "--target", TARGET]
    commands["`breathline run`, nothing to do"] = [*breathline, "run", "--target", TARGET]
    commands["`breathline audit verify`"] = [*breathline, "audit", "verify"]
    print(stages.HEADER.replace("stage", "step"))
    for name, command in commands.items():
        print(stages.row(name, stages.run(command, folder)), flush=True)
    print("\n| files | number | MB |\n|---|---|---|")
    for name, place in PLACES.items():
        sizes = [path.stat().st_size for path in files(folder / place)]
        print(f"| {name} | {len(sizes):,} | {sum(sizes) / 1e6:.1f} |", flush=True)


def files(place: Path) -> list[Path]:
    """Return a file, or all files of a folder and its subfolders."""
    return [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]


if __name__ == "__main__":
    main()
