"""Leaderboards: finished workspaces with equal corpus, test set, split, labels, selection and definition of Se."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from flows.leaderboards.differences import Difference, Students, corrected, minus
from flows.leaderboards.recipe_workspaces import RecipeWorkspace
from tasks import artifacts
from tasks.evaluation.settings import EvaluationSettings
from tasks.evaluation.words import augmentation, definitions
from tasks.runtime import corpus_facts, params
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.corpus_facts import Published
from tasks.runtime.params import natural

DEFINITIONS = {
    "strict": "Se strict: an abnormal cycle counts with its exact class",
    "lenient": "Se lenient: an abnormal cycle counts with any abnormal class",
}
ABOUT = ("corpus", "identity", "recordings", "labels", "split")  # keys of metrics.json that say what was evaluated


@dataclass(frozen=True)
class Result:
    """The results of one workspace on one test set.

    Attributes:
        workspace: Workspace of the recipe.
        metrics: The contents of ``reports/metrics.json``, or of its part for one corpus.
        predictions: The students' rows of the table of predictions.
        settings: The settings of the evaluation.
        published: The published results that the corpus names.
    """

    workspace: RecipeWorkspace
    metrics: Mapping[str, Any]
    predictions: pl.DataFrame
    settings: EvaluationSettings
    published: tuple[Published, ...] = ()

    @cached_property
    def test_set(self) -> tuple[str, ...]:
        """The ids of the test cycles, sorted."""
        return tuple(self.predictions["cycle_id"].unique().sort())


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Mean and sd over the seeds, and intervals; undefined values are None.

    Attributes:
        low: Lower limit over the test patients, with networks fixed.
        low_seeds: Lower limit over patients and seeds; None with a single seed.
    """

    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    low_seeds: float | None = None
    high_seeds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recipe on a leaderboard, with the published results of its method under the same definition and selection.

    Attributes:
        degenerate: Kinds of its degenerate networks, with their seeds; None if none is degenerate.
        augmentation: Test-time augmentation in words; empty if there was none.
    """

    recipe: str
    seeds: tuple[str, ...]
    score: Figure
    sp: Figure
    se: Figure
    minus_first: Difference | None
    degenerate: str | None = None
    augmentation: str = ""
    published: tuple[Published, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Recipes that may be compared.

    Attributes:
        small: Whether the recipes are miniatures.
        without_published: The reason for the absence of published figures; empty if they are shown.
    """

    corpus: str
    identity: str
    recordings: int
    labels: str
    split: str
    selection: str
    definition: str
    small: bool
    cycles: int
    patients: int
    confidence: float
    without_published: str
    rows: tuple[Row, ...] = field(default_factory=tuple)


def read(root: Path, workspace: RecipeWorkspace) -> list[Result]:
    """Return the results of a finished workspace on all test cycles, and on those of each of several corpora.

    Published results are those of networks that learned from one corpus alone: they are beside the first result only.

    Raises:
        BreathlineError: A file of the results is missing or damaged.
    """
    folder = root / workspace.folder
    metrics = read_json(folder / artifacts.METRICS, {**dict.fromkeys(ABOUT, object), "student": dict, "test": dict})
    settings = params.parse(
        EvaluationSettings, params.section(params.read(folder / params.PARAMS), "evaluation"), "evaluation"
    )
    rows = _of_students(folder / artifacts.PREDICTIONS)
    published = corpus_facts.read(folder / corpus_facts.FOLDER).published
    found = [Result(workspace, metrics, rows, settings, published)]
    parts = {name: (part, rows) for name, part in metrics.get("corpora", {}).items()}
    if metrics.get("external"):
        tested = _of_students(folder / artifacts.EXTERNAL_PREDICTIONS)
        parts |= {name: (part, tested) for name, part in metrics["external"].items()}
    for name, (part, predictions) in parts.items():
        found.append(Result(workspace, part, predictions.filter(pl.col("corpus") == name), settings))
    return found


def _of_students(path: Path) -> pl.DataFrame:
    """Return the rows of the students in a table of predictions."""
    return pl.DataFrame(read_table(path)).filter(pl.col("model").str.starts_with("student/"))


def leaderboards(results: Sequence[Result]) -> list[Leaderboard]:
    """Return a leaderboard for every set of results that may be compared, `val` and strict first.

    The differences on a leaderboard are from its first recipe.
    """
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        about = tuple(result.metrics[key] for key in ABOUT)
        classes = tuple(result.metrics["classes"])
        for selection in result.metrics["selections"]:
            key = (result.workspace.small, about, result.test_set, selection != "val", classes)
            groups.setdefault(key, []).append(result)
    return [
        board for key in sorted(groups) for board in _by_definition(groups[key], "paper" if key[-2] else "val", key[-1])
    ]


def _by_definition(members: Sequence[Result], selection: str, classes: Sequence[str]) -> list[Leaderboard]:
    """Return the leaderboards of the same results, one for each definition of Se."""
    students = [Students.from_predictions(one.predictions, selection) for one in members]
    names = [one.workspace.recipe for one in members]
    # Both definitions come from the same tests, which take most of the time.
    differences = [
        minus(networks, students[0], (name, names[0]), definitions(classes), members[0].settings)
        for name, networks in zip(names[1:], students[1:], strict=True)
    ]
    return [
        _leaderboard(members, students, [one[definition] for one in differences], selection, definition)
        for definition in definitions(classes)
    ]


def _leaderboard(
    members: Sequence[Result],
    students: Sequence[Students],
    differences: Sequence[Difference],
    selection: str,
    definition: str,
) -> Leaderboard:
    """Return one leaderboard.

    Args:
        members: Results of each recipe, the first one being the reference.
        students: Networks of each recipe.
        differences: Differences of the other recipes from the first one, without correction.
        selection: The selection of the epoch: `val` or `paper`.
        definition: Definition of Se: ``strict`` or ``lenient``.
    """
    first = members[0]
    reason, published = _published(first, selection, definition)
    settings = first.settings
    rows = []
    for result, networks, difference in zip(members, students, [None, *corrected(differences)], strict=True):
        found, limits = result.metrics["student"][selection], networks.limits(settings.confidence)
        score, sp, se = (
            Figure(mean=found[name]["mean"], sd=found[name]["sd"], **limits[name])
            for name in (f"score_{definition}", "sp", f"se_{definition}")
        )
        rows.append(
            Row(
                recipe=result.workspace.recipe,
                seeds=tuple(sorted(result.metrics["students"], key=natural)),
                score=score,
                sp=sp,
                se=se,
                minus_first=difference,
                degenerate=networks.degenerate,
                augmentation=augmentation(result.metrics),
                published=tuple(one for one in published if result.workspace.recipe in one.recipes),
            )
        )
    return Leaderboard(
        **{key: first.metrics[key] for key in ABOUT},
        selection=selection,
        definition=definition,
        small=first.workspace.small,
        cycles=first.metrics["test"]["cycles"],
        patients=first.metrics["test"]["patients"],
        confidence=settings.confidence,
        without_published=reason,
        rows=tuple(rows),
    )


def _published(result: Result, selection: str, definition: str) -> tuple[str, list[Published]]:
    """Return the reason for the absence of comparable published results, and these results; one of both is empty."""
    if result.workspace.small:
        return "these are miniatures of the recipes", []
    if not result.published:
        return "none hold for these recordings", []
    labels, split = result.metrics["labels"], result.metrics["split"]
    same = [one for one in result.published if (one.labels, one.split) == (labels, split)]
    if not same:
        return f"none hold for {labels} on the split {split}", []
    found = [one for one in same if (one.definition, one.selection) == (definition, selection)]
    return "" if found else f"none have this definition ({definition}) and choice of the epoch ({selection})", found
