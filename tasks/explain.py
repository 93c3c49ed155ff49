"""Stage `explain`: embeddings of every model, maps over spectrograms, and the sharpness of the loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch
from threadpoolctl import threadpool_limits

from models.artifact import CARD_KEYS
from models.file_names import CARD
from models.training.inference import pick_device
from models.training.settings import ComputeSettings, Selection
from tasks import artifacts
from tasks.evaluation import cycles as evaluated_cycles
from tasks.evaluation import notable_cycles
from tasks.explanation import cycle_sample, embeddings, model_maps, representatives, sample, sharpness
from tasks.explanation.sample import Sample
from tasks.explanation.settings import ExplanationSettings
from tasks.runtime import corpus_facts, files, item_folders, params
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.stage import stage
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.training import teachers, trained_networks
from tasks.training.torch_setup import set_up

BASELINE_CYCLES = 32  # training cycles whose mean feature stands for the absence of a sound


def decide(assigned: Assignment, drawn: Sample, shown: Sequence[str]) -> dict[str, Any]:
    """Return the decisions of the stage for its record: ``subsets``, and the cycles ``sampled`` of each.

    Args:
        assigned: Labels and subsets of the cycles.
        drawn: Sampled cycles of each subset.
        shown: Further test cycles with a map.
    """
    sampled = {subset: list(cycles) for subset, cycles in drawn.items()}
    return {"subsets": assigned.by_subset(), "sampled": sampled | {"test": sorted({*drawn["test"], *shown})}}


def test_cycles(read: Mapping[str, Any], assigned: Assignment, root: Path) -> tuple[pl.DataFrame, list[str]]:
    """Return the table of the test cycles, and those that the report shows with their maps.

    Args:
        read: Content of params.yaml.
        assigned: Labels and subsets of the cycles.
        root: Folder of the project.
    """
    groups = [group.column for group in corpus_facts.read(root / artifacts.POOL).group_columns]
    tables, ids = (root / artifacts.CYCLES, root / artifacts.RECORDINGS), assigned.cycles("test")
    cycles = evaluated_cycles.read(*tables, ids=ids, labels=assigned.labels, groups=groups)
    if not params.section(read, "explanation.maps.cycles"):
        return cycles, []
    predictions = pl.DataFrame(read_table(root / artifacts.PREDICTIONS))
    student = representatives.first_student(f"student/{seed}" for seed in params.section(read, "student.seeds"))
    own, found = notable_cycles.choose(predictions, cycles, student)
    return cycles, sorted(own["cycle_id"][row] for _, rows in found for row in rows)


@dataclass(frozen=True, kw_only=True)
class Models:
    """Trained models of a run, and how they are explained.

    Attributes:
        folders: Folder of each model, by its name such as ``student/1``.
        compute: Device and precision.
        assigned: Labels and subsets of the cycles.
        confidence: Level of the intervals.
        baselines: Names of the teachers that are trained for comparison only.
        optimizers: Name of each model's optimizer.
    """

    folders: Mapping[str, Path]
    compute: ComputeSettings
    assigned: Assignment
    confidence: float
    baselines: Sequence[str]
    optimizers: Mapping[str, str]

    @classmethod
    def from_params(cls, read: Mapping[str, Any], assigned: Assignment) -> "Models":
        """Return the models that params.yaml names.

        Args:
            read: Content of params.yaml.
            assigned: Labels and subsets of the cycles.

        Raises:
            BreathlineError: There are trained teachers that params.yaml does not name.
        """
        known = teachers.read(read)
        item_folders.check(artifacts.TEACHERS, known, "Trained teachers")
        folders = {f"teacher/{name}": artifacts.TEACHERS / name for name in known}
        folders |= {f"student/{seed}": artifacts.STUDENTS / str(seed) for seed in params.section(read, "student.seeds")}
        return cls(
            folders=folders,
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            assigned=assigned,
            confidence=params.parse(float, params.section(read, "evaluation.confidence"), "evaluation.confidence"),
            baselines=teachers.baselines(known),
            optimizers=dict.fromkeys(folders, params.section(read, "student.optimizer.name"))
            | {f"teacher/{name}": teachers.optimizer(read, teacher) for name, teacher in known.items()},
        )

    def cards(self) -> dict[str, dict[str, Any]]:
        """Return the content of each model's ``model.json``."""
        return {name: read_json(folder / CARD, CARD_KEYS) for name, folder in self.folders.items()}

    def choose(self, cycles: Sequence[str], *, count: int, seed: int) -> list[str]:
        """Return a few of some cycles (`cycle_sample.choose`)."""
        return cycle_sample.choose(cycles, self.assigned.targets, self.assigned.patients, count=count, seed=seed)


def explain_embeddings(
    models: Models, selections: Sequence[Selection], settings: ExplanationSettings, drawn: Sample
) -> dict[str, Any]:
    """Write the table of embeddings and return their figures.

    Args:
        models: Trained models.
        selections: Selections of epochs.
        settings: Settings of the stage.
        drawn: Sampled cycles of each subset.
    """
    assigned, compute = models.assigned, models.compute
    classes = corpus_facts.read_label_sets(artifacts.POOL)[assigned.labels].classes
    cycles = sample.table(artifacts.CYCLES, artifacts.RECORDINGS, drawn, labels=assigned.labels, classes=classes)
    kept, by_model = [], dict[str, dict[str, Any]]()
    # Sums over several threads would depend on the number of cores.
    with threadpool_limits(compute.threads):
        for one, points in embeddings.compute(
            models.folders,
            cycles["cycle_id"].to_list(),
            assigned.sources(*drawn),
            selections=selections,
            settings=settings.embeddings,
            compute=compute,
            features_root=artifacts.FEATURE_CACHES,
            seed=settings.seed,
        ):
            found = embeddings.figures(one, points, cycles, settings=settings.embeddings, confidence=models.confidence)
            by_model.setdefault(one.model, {})[one.selection] = found
            kept.append(one)
    files.write_table(artifacts.EMBEDDINGS, embeddings.table(kept, cycles, classes))
    sizes = {subset: {"cycles": len(ids), "of": len(assigned.cycles(subset))} for subset, ids in drawn.items()}
    return {
        "confidence": models.confidence,
        "models": by_model,
        "neighbours": settings.embeddings.neighbours,
        "omitted": embeddings.omitted(cycles),
        "sample": sizes,
    }


def explain_maps(
    models: Models, settings: ExplanationSettings, drawn: Sample, cycles: pl.DataFrame, shown: Sequence[str]
) -> dict[str, Any]:
    """Write the table of maps over spectrograms and return the figures of their tests.

    Args:
        models: Trained models.
        settings: Settings of the stage.
        drawn: Sampled cycles of each subset.
        cycles: Table of the test cycles.
        shown: Test cycles that the report shows with the map of the first student.
    """
    own, assigned = settings.maps, models.assigned
    tested = models.choose(drawn["test"], count=own.cycles, seed=settings.seed)
    chosen = representatives.of_each_network(models.cards()) if tested else []
    table, figures = model_maps.compute(
        {name: models.folders[name] for name in chosen},
        model_maps.Cycles(
            tested=cycles.filter(pl.col("cycle_id").is_in(tested)),
            shown=cycles.filter(pl.col("cycle_id").is_in(shown) & ~pl.col("cycle_id").is_in(tested)),
            training=models.choose(drawn["train"], count=BASELINE_CYCLES, seed=settings.seed),
            sources=assigned.sources("train", "test"),
        ),
        own,
        features_root=artifacts.FEATURE_CACHES,
        device=pick_device(models.compute),
        confidence=models.confidence,
        seed=settings.seed,
    )
    files.write_table(artifacts.MAPS, table)
    return {"confidence": models.confidence, "cycles": len(tested), "models": figures}


def explain_sharpness(models: Models, settings: ExplanationSettings, drawn: Sample) -> dict[str, Any]:
    """Return the sharpness of the loss of the students, and of a teacher that has their network.

    Args:
        models: Trained models.
        settings: Settings of the stage.
        drawn: Sampled cycles of each subset.
    """
    own, assigned = settings.sharpness, models.assigned
    cycles = models.choose(drawn["train"], count=own.cycles, seed=settings.seed)
    found = {}
    for name in representatives.like_students(models.cards(), models.baselines) if cycles else []:
        trained = trained_networks.load(
            models.folders[name], "val", cycles, assigned.sources("train"), artifacts.FEATURE_CACHES
        )
        found[name] = {"optimizer": models.optimizers[name]} | sharpness.figures(
            trained,
            torch.tensor([assigned.targets[cycle] for cycle in cycles]),
            iterations=own.iterations,
            points=own.points,
            seed=settings.seed,
            device=pick_device(models.compute),
        )
    return {"cycles": len(cycles), "models": found}


def main() -> None:
    """Run the stage on the project in the working directory."""
    decided: dict[str, Any] = {}
    with stage("explain", decided) as log:
        read = params.read()
        settings = params.parse(ExplanationSettings, params.section(read, "explanation"), "explanation")
        assigned = assignment.from_params(read)
        drawn = sample.draw(assigned, cycles=settings.embeddings.cycles, seed=settings.seed)
        models = Models.from_params(read, assigned)
        cycles, shown = test_cycles(read, assigned, Path())
        decided |= decide(assigned, drawn, shown)
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        set_up(models.compute)
        found = {
            "embeddings": explain_embeddings(models, selections, settings, drawn),
            "maps": explain_maps(models, settings, drawn, cycles, shown),
            "sharpness": explain_sharpness(models, settings, drawn),
        }
        files.write_json(artifacts.EXPLANATION, found)
        number, total = sum(map(len, drawn.values())), len(assigned.subsets)
        log.info("embeddings of %d of %d cycles by %d models", number, total, len(found["embeddings"]["models"]))


if __name__ == "__main__":
    main()
