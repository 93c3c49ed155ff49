"""The student's model card in Hugging Face's format: YAML with a `model-index` of its figures, and a text.

Format: huggingface.co/docs/hub/model-cards. It is to be uploaded as the README.md of a repository of models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lineage import files
from lineage.exports import corpora, hub_card, origin, results
from lineage.exports.results import Figure
from lineage.project import Project
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

LICENCE = "other"  # of weights: what their data and the pretrained weights allow decides


def card(project: Project) -> str:
    """Return the card as Markdown.

    Raises:
        BreathlineError: No student was trained, or nothing has been evaluated yet.
    """
    from huggingface_hub import ModelCardData

    corpus, found = corpora.of(project), results.metrics(project)
    students = _students(project)
    if not students:
        raise BreathlineError("No student has left a record yet.", where=project.root / "data/student")
    network = next(iter(students.values()))["network"]
    name = f"Breathline {network['architecture']} ({found['labels']})"
    shown = results.figures(found)
    about = ModelCardData(
        model_name=name,
        license=LICENCE,
        license_name="see-licence-below",
        library_name="breathline",
        pipeline_tag="audio-classification",
        tags=["respiratory-sounds", "lung-sounds", "icbhi-2017", found["labels"]],
        metrics=sorted({figure.type for figure in shown}),
        eval_results=[_result(figure, found, corpus) for figure in shown],
    )
    return hub_card.card(
        about,
        "model_card.md.j2",
        name=name,
        network=network,
        students=students,
        found=found,
        figures=shown,
        selections=results.SELECTIONS,
        corpus=corpus,
        intended=corpora.INTENDED,
        weights=_weights(project, network["weights"]),
        commits=sorted({state["git"].get("commit") or "none" for state in origin.commits(project).values()}),
        dirty=any(state["git"].get("dirty") for state in origin.commits(project).values()),
        version=origin.version(),
    )


def _result(figure: Figure, found: Mapping[str, Any], corpus: corpora.Corpus) -> EvalResult:
    from huggingface_hub import EvalResult

    spread = {"low": figure.low, "high": figure.high, "sd_over_seeds": figure.sd, "unit": "percent"}
    return EvalResult(
        task_type="audio-classification",
        task_name=found["labels"],
        dataset_type=corpus.kind,
        dataset_name=corpus.name,
        dataset_config=f"split {found['split']}, {figure.selection}: {results.SELECTIONS[figure.selection]}",
        dataset_split="test",
        metric_type=figure.type,
        metric_name=f"{figure.name}, {figure.selection}",
        metric_value=figure.value,
        metric_args={key: value for key, value in spread.items() if value is not None},
    )


def _students(project: Project) -> dict[str, dict[str, Any]]:
    """Return the students by seed: ``network``, their model.json, and ``files``, path and SHA-256 of their weights."""
    found = {}
    for stage, made in project.records.items():
        group, _, seed = stage.partition("@")
        if group == "train_student":
            outs = files.flat(made["outputs"])
            network = json.loads((project.root / "data/student" / seed / "model.json").read_text(encoding="utf-8"))
            tensors = {path: file["sha256"] for path, file in outs.items() if path.endswith(".safetensors")}
            found[seed] = {"network": network, "files": tensors, "params": made["params"]}
    return found


def _weights(project: Project, name: str) -> dict[str, Any]:
    path = project.root / "data/weights" / name / "source.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
