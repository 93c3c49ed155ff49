"""Publication of Prefect artifacts, under constant keys: the UI keeps a history of each key.

An artifact that cannot be published is logged as a warning and does not end the run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.graph import Stage
from flows.plan import Step
from flows.publish import lineage, links, scores, verdict
from flows.publish.progress import Progress
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.error_output import one_line


def publish_plan(steps: Sequence[Step]) -> None:
    """Publish the artifact `plan`: the stages that run, with reasons."""
    with _published("plan"):
        create_markdown_artifact(lineage.plan_table(steps), key="plan", description=lineage.plan_headline(steps))


def publish_results(
    root: Path, stages: Sequence[Stage], outcome: Mapping[str, str], scores_before: Mapping[str, Any] | None
) -> None:
    """Publish the artifacts `validation`, `scores`, `graph` and `report` of a run.

    Verdict and scores are published only if the run reached their stages.
    Stages are in topological order; their outcomes are `ran`, `up to date`, `failed` or `not run`.
    """
    if validated := _validated(outcome):
        with _published("validation"):
            results = {corpus: verdict.read(root, corpus) for corpus in validated}
            text = "\n".join(verdict.show(corpus, results[corpus], words) for corpus, words in validated.items())
            headlines = [f"{corpus.name}: {verdict.headline(one)}" for corpus, one in results.items()]
            create_markdown_artifact(text, key="validation", description=" ".join(headlines))
    if outcome.get("evaluate") in lineage.DONE:
        with _published("scores"):
            if now := scores.read(root):
                metrics = scores.read_metrics(root)
                text, description = (
                    scores.show(now, scores_before, metrics),
                    scores.headline(now, scores_before, metrics),
                )
                create_markdown_artifact(text, key="scores", description=description)
    with _published("graph"):
        text = lineage.show(stages, outcome, lineage.versions(root))
        create_markdown_artifact(text, key="graph", description=lineage.headline(outcome))
    with _published("report"):
        create_markdown_artifact(links.show(root), key="report", description="Links to the reports.")


def _validated(outcome: Mapping[str, str]) -> dict[CorpusFolders, str]:
    """Return the outcome of the validation of each corpus in words, where the run reached it."""
    corpora = {stage: artifacts.corpus_of(stage) for stage in outcome}
    return {
        found[1]: "was up to date" if outcome[stage] == "up to date" else outcome[stage]
        for stage, found in corpora.items()
        if found and found[0] == "validate" and outcome[stage] in (*lineage.DONE, "failed")
    }


def publish_text(key: str, text: str, description: str) -> None:
    """Publish the Markdown of another flow."""
    with _published(key):
        create_markdown_artifact(text, key=key, description=description)


def publish_table(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Publish a table; its rows have equal columns."""
    with _published(key):
        create_table_artifact([dict(row) for row in rows], key=key, description=description)


def publish_progress(stage: str) -> Progress:
    """Return the progress of a stage, which publishes an artifact such as `progress-train-teacher-cnn-s1`.

    The artifact appears with the first epoch in the log. After a failure it is not published again, because each
    attempt would delay the log of the stage.
    """
    key = "progress-" + re.sub(r"[^a-z0-9]+", "-", stage.lower()).strip("-")
    known: list[UUID] = []
    broken: list[str] = []

    def report(percent: float, words: str) -> None:
        if broken:
            return
        broken.append(key)
        with _published(key):
            if known:
                update_progress_artifact(known[0], percent, description=words)
            else:
                known.append(cast("UUID", create_progress_artifact(percent, key=key, description=words)))
            broken.clear()

    return Progress(report)


@contextmanager
def _published(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - of the server, the client or the text: none may end a run
        get_run_logger().warning(f"The artifact {what} is not published: {one_line(error)}")
