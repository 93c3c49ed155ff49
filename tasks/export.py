"""Stage `export`: the students as folders that are complete in themselves, with what each was trained on."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from models.decision_rules import DecisionRule
from models.file_names import SELECTION
from models.frontends.registry import sample_rates
from models.training.settings import ComputeSettings
from tasks import artifacts
from tasks.checks.settings import UnusableLimits
from tasks.exporting import card as cards
from tasks.exporting import cycles as all_cycles
from tasks.exporting import folder, judged, learned_corpora, outputs, references, scores
from tasks.exporting.cycles import Cycles
from tasks.exporting.settings import ExportSettings
from tasks.prediction.facts import FORMAT, identity
from tasks.runtime import corpus_facts, params
from tasks.runtime.artifact_reading import content_of, read_json
from tasks.runtime.corpus_facts import CorpusFacts
from tasks.runtime.stage import stage
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.training.torch_setup import set_up


def decide(assigned: Assignment) -> dict[str, Any]:
    """Return the decisions of the stage for its record: ``subsets``.

    Args:
        assigned: Labels and subsets of the cycles.
    """
    return {"subsets": assigned.by_subset()}


def export(
    seed: str,
    *,
    assigned: Assignment,
    cycles: Cycles,
    facts: CorpusFacts,
    metrics: Mapping[str, Any],
    settings: ExportSettings,
    limits: UnusableLimits,
    compute: ComputeSettings,
) -> dict[str, Any]:
    """Write the folder of one student's export, and return its card.

    Args:
        seed: Random seed of the student.
        assigned: Labels and subsets of the cycles.
        cycles: Cycles of all subsets.
        facts: Facts of the training corpora.
        metrics: Content of ``reports/metrics.json``.
        settings: Settings of the stage.
        limits: Limits of usable recordings.
        compute: Device and precision.
    """
    student, out = artifacts.STUDENTS / seed, artifacts.EXPORTS / seed
    sources = assigned.sources("train", "val", "test")
    trained, found = outputs.compute(
        student, cycles.ids, sources, compute=compute, features_root=artifacts.FEATURE_CACHES
    )
    rule = DecisionRule.from_card(trained.card, SELECTION)
    with content_of(artifacts.METRICS):
        tested = scores.of_student(trained.card, metrics, seed)
    # Sums over several threads would depend on the number of cores.
    with threadpool_limits(compute.threads):
        fitted = judged.fit(found, cycles, rule=rule, settings=settings)
    card = cards.with_banner(
        trained.card
        | {
            "format": FORMAT,
            "selection": SELECTION,
            "sample_rate": sample_rates()[trained.card["frontend"]],
            "id": identity(student),
            "corpora": [asdict(corpus) for corpus in learned_corpora.describe(facts, cycles)],
            "scores": tested,
            "temperature": rule.temperature,
            "decision": rule.card(),
            "conformal": cards.plain(fitted.conformal),
            "novelty": cards.plain(fitted.novelty),
            "quality_limits": asdict(limits),
            "reference": references.of_cycles(cycles, fitted, classes=assigned.classes, limits=limits),
        }
    )
    whitening = cards.plain(fitted.whitening)
    folder.write(out, student, card, trained.network.state_dict(), whitening, onnx=settings.onnx)
    cards.write(out, card)
    return card


def main() -> None:
    """Run the stage on the project in the working directory."""
    decided: dict[str, Any] = {}
    with stage("export", decided) as log:
        read = params.read()
        settings = params.parse(ExportSettings, params.section(read, "export"), "export")
        compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
        limits = params.parse(UnusableLimits, params.section(read, "validate.unusable"), "validate.unusable")
        seeds = params.parse(list[int], params.section(read, "student.seeds"), "student.seeds")
        assigned = assignment.from_params(read)
        decided |= decide(assigned)
        cycles = all_cycles.read(artifacts.CYCLES, artifacts.RECORDINGS, assigned)
        set_up(compute)
        if artifacts.EXPORTS.is_dir():
            shutil.rmtree(artifacts.EXPORTS)  # of other seeds or settings
        for seed in map(str, seeds):
            card = export(
                seed,
                assigned=assigned,
                cycles=cycles,
                facts=corpus_facts.read(),
                metrics=read_json(artifacts.METRICS),
                settings=settings,
                limits=limits,
                compute=compute,
            )
            log.info("%s: %s", Path(artifacts.EXPORTS / seed), _told(card))


def _told(card: Mapping[str, Any]) -> str:
    """Return the id and the coverage of an export in words."""
    sets = card["conformal"]
    if sets is None or sets["covered"] is None:
        return f"id {card['id']}"
    return (
        f"id {card['id']}; sets of classes hold the right one for {sets['covered']:.0%} of the test cycles "
        f"({sets['coverage']:.0%} wanted)"
    )


if __name__ == "__main__":
    main()
