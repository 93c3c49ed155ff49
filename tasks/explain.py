"""Stage `explain`: embeddings of every model, their projections, and what they separate."""

from collections.abc import Mapping
from typing import Any

from threadpoolctl import threadpool_limits

from models.training.settings import ComputeSettings, Selection
from tasks import artifacts
from tasks.explanation import embeddings, sample
from tasks.explanation.sample import Sample
from tasks.explanation.settings import ExplanationSettings
from tasks.runtime import corpus_facts, files, item_folders, params
from tasks.runtime.stage import stage
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.training import teachers
from tasks.training.torch_setup import set_up


def decide(assigned: Assignment, drawn: Sample) -> dict[str, Any]:
    """Return the decisions of the stage for its record: ``subsets``, and the cycles ``sampled`` of each."""
    return {"subsets": assigned.by_subset(), "sampled": {subset: list(cycles) for subset, cycles in drawn.items()}}


def explain_embeddings(
    read: Mapping[str, Any], settings: ExplanationSettings, assigned: Assignment, drawn: Sample
) -> dict[str, Any]:
    """Write the table of embeddings and return their figures.

    Args:
        read: Content of params.yaml.
        settings: Settings of the stage.
        assigned: Labels and subsets of the cycles.
        drawn: Sampled cycles of each subset.
    """
    compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
    selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
    confidence = params.parse(float, params.section(read, "evaluation.confidence"), "evaluation.confidence")
    known = teachers.read(read)
    item_folders.check(artifacts.TEACHERS, known, "Trained teachers")
    folders = {f"teacher/{name}": artifacts.TEACHERS / name for name in known}
    folders |= {f"student/{seed}": artifacts.STUDENTS / str(seed) for seed in params.section(read, "student.seeds")}
    set_up(compute)
    classes = corpus_facts.read_label_sets(artifacts.POOL)[assigned.labels].classes
    cycles = sample.table(artifacts.CYCLES, artifacts.RECORDINGS, drawn, labels=assigned.labels, classes=classes)
    kept, models = [], dict[str, dict[str, Any]]()
    # Sums over several threads would depend on the number of cores.
    with threadpool_limits(compute.threads):
        for one, points in embeddings.compute(
            folders,
            cycles["cycle_id"].to_list(),
            assigned.sources(*drawn),
            selections=selections,
            settings=settings.embeddings,
            compute=compute,
            features_root=artifacts.FEATURE_CACHES,
            seed=settings.seed,
        ):
            found = embeddings.figures(one, points, cycles, settings=settings.embeddings, confidence=confidence)
            models.setdefault(one.model, {})[one.selection] = found
            kept.append(one)
    files.write_table(artifacts.EMBEDDINGS, embeddings.table(kept, cycles, classes))
    sizes = {subset: {"cycles": len(ids), "of": len(assigned.cycles(subset))} for subset, ids in drawn.items()}
    return {
        "confidence": confidence,
        "models": models,
        "neighbours": settings.embeddings.neighbours,
        "omitted": embeddings.omitted(cycles),
        "sample": sizes,
    }


def main() -> None:
    """Run the stage on the project in the working directory."""
    decided: dict[str, Any] = {}
    with stage("explain", decided) as log:
        read = params.read()
        settings = params.parse(ExplanationSettings, params.section(read, "explanation"), "explanation")
        assigned = assignment.from_params(read)
        drawn = sample.draw(assigned, cycles=settings.embeddings.cycles, seed=settings.seed)
        decided |= decide(assigned, drawn)
        found = {"embeddings": explain_embeddings(read, settings, assigned, drawn)}
        files.write_json(artifacts.EXPLANATION, found)
        number, total = sum(map(len, drawn.values())), len(assigned.subsets)
        log.info("embeddings of %d of %d cycles by %d models", number, total, len(found["embeddings"]["models"]))


if __name__ == "__main__":
    main()
