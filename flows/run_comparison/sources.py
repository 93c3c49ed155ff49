"""Results of a run that is compared: figures, predictions, parameters and training histories.

A run is a folder, a Git revision, an experiment of DVC, or a recipe with a workspace of `breathline leaderboard`.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flows.leaderboards.recipe_workspaces import FOLDER, RecipeWorkspace
from flows.workspaces import make_paths_absolute
from lineage.diff import runs
from lineage.diff.runs import FolderRun, Run
from tasks import artifacts
from tasks.reporting.run_results import PLOTS
from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import PARAMS, flatten

HISTORY = artifacts.PLOTS / "training.csv"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Results of one run.

    Attributes:
        name: Name of the run as the user gave it.
        title: Name of the run in tables and figures, unique among the compared runs.
        metrics: Contents of ``reports/metrics.json``.
        predictions: Rows of the students in the table of predictions; empty if the table is missing.
        parameters: Values of params.yaml by dotted key; None if the file is missing.
        history: Training histories of all models (`tasks.evaluation.curves`); None if they are missing.
        mismatch: Score of the metrics that the predictions do not give, in words; empty if they give all.
    """

    name: str
    title: str
    metrics: Mapping[str, Any]
    predictions: pl.DataFrame
    parameters: Mapping[str, Any] | None
    history: pl.DataFrame | None
    mismatch: str = ""


def titles(names: Sequence[str]) -> list[str]:
    """Return the titles of runs: the last part of a path, or the whole name where two runs share that part.

    Args:
        names: Names of the runs as the user gave them, each once.
    """
    parts = ["this project" if name == "." else name.rstrip("/").rpartition("/")[2] for name in names]
    number = Counter(parts)
    return [part if number[part] == 1 else name for name, part in zip(names, parts, strict=True)]


def read(root: Path, name: str, title: str) -> Source:
    """Return the results of a run.

    Args:
        root: Folder of the project.
        name: ``.`` for the project itself, a folder, a Git revision, an experiment, or a recipe.
        title: Name of the run in tables and figures.

    Raises:
        BreathlineError: There is no such run, it has not been evaluated, or one of its files is damaged.
    """
    run = _open(root, name)
    metrics = run.json(artifacts.METRICS.as_posix())
    if "val" not in metrics.get("student", {}):
        where = f"{artifacts.METRICS} of {name}"
        hint = "evaluate it with `dvc repro`; of a revision, commit reports/metrics.json and dvc.lock after the run"
        raise BreathlineError(f"The run `{name}` has no figures of a student.", where=where, hint=hint)
    predictions = run.table(artifacts.PREDICTIONS.as_posix())
    students = pl.col("model").str.starts_with("student/")
    return Source(
        name=name,
        title=title,
        metrics=metrics,
        predictions=pl.DataFrame() if predictions is None else pl.DataFrame(predictions).filter(students),
        parameters=_parameters(root, run),
        history=_history(run),
    )


def _open(root: Path, name: str) -> Run:
    """Return the run of a name; the workspace of a recipe counts where nothing else has the name."""
    if (found := runs.find_run(name, root)) is not None:
        return found
    for workspace in (RecipeWorkspace(recipe=name), RecipeWorkspace(recipe=name, small=True)):
        if (root / workspace.folder / "dvc.yaml").is_file():
            return FolderRun(name, root / workspace.folder)
    finished = sorted(path.parent.name for path in (root / FOLDER).glob("*/dvc.yaml"))
    hint = "a Git revision such as HEAD~1 or a tag, an experiment (`dvc exp show`), or a recipe after "
    hint += f"`breathline leaderboard RECIPE` (here: {', '.join(finished) or 'none'})"
    raise BreathlineError(f"There is no run `{name}`.", where=root, hint=hint)


def _parameters(root: Path, run: Run) -> dict[str, Any] | None:
    """Return the parameters by dotted key, with absolute paths, because those in a workspace are absolute."""
    text = run.read(PARAMS.as_posix())
    if text is None:
        return None
    where = Path(f"{PARAMS} of {run.name}")
    read = yaml_files.as_mapping(yaml_files.parse(text.decode(errors="replace"), where), where)
    make_paths_absolute(root, read)
    return flatten(read)


def _history(run: Run) -> pl.DataFrame | None:
    """Return the training histories.

    Raises:
        BreathlineError: The table is damaged.
    """
    text = run.read(HISTORY.as_posix())
    if text is None:
        return None
    where = f"{HISTORY} of {run.name}"
    hint = "`dvc repro evaluate` makes it again; of a revision, restore it in Git"
    try:
        table = pl.read_csv(io.BytesIO(text), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise BreathlineError("The table is no CSV.", where=where, hint=hint) from error
    if missing := [name for name in PLOTS[HISTORY.stem] if name not in table.columns]:
        raise BreathlineError(f"The table has no column {', '.join(missing)}.", where=where, hint=hint)
    return table
