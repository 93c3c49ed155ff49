"""`breathline leaderboard` by the number of recipes: ``python -m benchmarks.leaderboards FOLDER --recipes 10 100``.

Each recipe has a workspace of its own below FOLDER, with generated predictions of the size of ICBHI's official test:
2,756 cycles, five students and five teachers. Measured are the preparation of the workspaces, their plans, and the
tables with intervals, permutation tests and Holm's correction. Nothing is trained.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks import stages
from flows.leaderboards.recipe_workspaces import RecipeWorkspace, mark_finished, prepare
from flows.scheduling.work_units import outdated_units
from tasks import artifacts
from tasks.evaluation.predictions import table
from tasks.evaluation.summary import about, summarize
from tasks.runtime import corpus_facts, files
from tests import toy
from tests.unit.tasks.evaluation import example

PATIENTS, EACH = 53, 52  # 2,756 cycles
SEEDS = 5
RECIPE = """\
description: One of many recipes
based_on: mn_plain
overrides:
  student: {{optimizer: {{lr: {rate}}}}}
"""
BREATHLINE = "from cli.start import main; main()"


def main() -> None:
    """Print a Markdown table with a row for each number of recipes and each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="new folder for the projects, which are removed afterwards")
    parser.add_argument("--recipes", type=int, nargs="+", default=[10, 100])
    options = parser.parse_args()
    print("| recipes | part | seconds | CPU seconds | peak MB |\n|---|---|---|---|---|")
    for number in options.recipes:
        root = toy.checkout(toy.ROOT, options.folder / str(number))
        for line in measure(root, number):
            print(line, flush=True)
        shutil.rmtree(root)


def measure(root: Path, number: int) -> list[str]:
    """Return the lines of the table for a number of recipes in a new project."""
    names = [f"recipe_{place:03}" for place in range(number)]
    for place, name in enumerate(names):
        (root / f"recipes/{name}.yaml").write_text(RECIPE.format(rate=0.001 + place * 1e-6), encoding="utf-8")
    toy.commit(root, "Recipes")
    workspaces = [RecipeWorkspace(recipe=name) for name in names]
    began = time.perf_counter(), time.process_time()
    for workspace in workspaces:
        prepare(root, workspace, seeds=[], corpus=[], external=[], paper=False, cache=root / ".dvc/cache")
    prepared = time.perf_counter(), time.process_time()
    units = [unit for workspace in workspaces for unit in outdated_units(root / workspace.folder)]
    planned = time.perf_counter(), time.process_time()
    write_results(root, workspaces)
    collect = stages.run([sys.executable, "-c", BREATHLINE, "leaderboard", "--collect"], root)
    parts = {
        "workspaces": [prepared[at] - began[at] for at in (0, 1)],
        f"plans ({len(units):,} stages to run)": [planned[at] - prepared[at] for at in (0, 1)],
        "`breathline leaderboard --collect`": [collect.seconds, collect.cpu],
    }
    peaks = ["", "", f"{collect.peak / 1e6:.0f}"]
    return [
        f"| {number} | {name} | {seconds:.1f} | {cpu:.1f} | {peak} |"
        for (name, (seconds, cpu)), peak in zip(parts.items(), peaks, strict=True)
    ]


def write_results(root: Path, workspaces: list[RecipeWorkspace]) -> None:
    """Write the results of finished workspaces, with random predictions."""
    frame = example.cycles(PATIENTS, EACH)
    metrics = None
    for place, workspace in enumerate(workspaces):
        folder, skill = root / workspace.folder, 1 + place / len(workspaces)
        models = [f"{kind}/{seed}" for kind in ("student", "teacher") for seed in range(1, SEEDS + 1)]
        parts = [example.predict(model, frame, 100 * place + at, skill) for at, model in enumerate(models)]
        for path in (artifacts.PREDICTIONS, artifacts.METRICS):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(parts, frame, example.CLASSES), folder / artifacts.PREDICTIONS)
        if metrics is None:
            described = about(example.facts(), "lungsound_4", "official")
            metrics = summarize(example.evaluator(frame), parts, described, [], []) | {"corpora": {}, "external": {}}
        files.write_json(folder / artifacts.METRICS, metrics)
        corpus_facts.write(folder / corpus_facts.FOLDER, example.facts())
    mark_finished(root, workspaces, [])


if __name__ == "__main__":
    main()
