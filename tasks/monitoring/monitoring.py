"""Monitoring of one model by its log of use."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from models.file_names import CARD
from tasks.monitoring import drift, log_reading, periods
from tasks.monitoring.results import Report
from tasks.monitoring.settings import By, Thresholds
from tasks.prediction.facts import ModelFacts, banner
from tasks.prediction.use_entries import Entry
from tasks.runtime.artifact_reading import content_of
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed, printable

DEFAULT = Thresholds()
# The reference has no windows: students are trained and validated on annotated cycles.
CYCLES = (
    "Outputs of the reference are those for annotated cycles, and outputs of a log mostly those for windows: "
    "class, confidence, distance and doubt can differ for this reason alone"
)


def monitor(
    log: Path,
    folder: Path,
    model: str,
    *,
    begin: datetime | None = None,
    by: By | None = None,
    thresholds: Thresholds = DEFAULT,
) -> Report:
    """Return the comparison of a log of use with what the model learned from.

    Args:
        log: Log of use.
        folder: Folder of the model, with its card.
        model: Name of the model for people.
        begin: Time from which entries count; None for all.
        by: Length of the periods that are compared apart; None for one period.
        thresholds: Thresholds of alerts.

    Raises:
        BreathlineError: The card has no reference, the log cannot be read, or it is of other models only.
    """
    facts = ModelFacts.read(folder)
    reference = facts.reference
    if not reference:
        raise BreathlineError(
            "The model's card has no `reference`, with which the log could be compared.",
            where=folder / CARD,
            hint="`dvc repro export` writes one; then name that model: --model data/export",
        )
    use = log_reading.read(log)
    of_model = [pair for pair in use.entries if pair[1].model_id == facts.id]
    if use.entries and not of_model:
        others = Counter(printable(f"{entry.model} ({entry.model_id})") for _, entry in use.entries)
        raise BreathlineError(
            f"The log has no entry of the model {model} (id {facts.id}).",
            where=log,
            hint=f"name one of its models by --model: {listed([name for name, _ in others.most_common()])}",
        )
    in_time = [pair for pair in of_model if begin is None or pair[0] >= begin]
    parts = {name: _last_of_each_file(entries) for name, entries in periods.split(in_time, by)}
    times = [time.isoformat() for time, _ in in_time]
    with content_of(folder / CARD):
        compared = drift.compare(reference, parts.items(), thresholds)
        patients = (reference["patients"], reference["outputs"]["patients"])
    return Report(
        model=model,
        model_id=facts.id,
        banner=banner(facts),
        log=str(log),
        begin=times[0] if times else None,
        end=times[-1] if times else None,
        thresholds=thresholds,
        patients=patients,
        periods=compared,
        notes=(
            *use.notes,
            *_notes(len(use.entries), len(of_model), len(in_time), sum(map(len, parts.values()))),
            CYCLES,
        ),
    )


def _last_of_each_file(entries: Sequence[Entry]) -> list[Entry]:
    """Return the last entry of each file: a repeated question is no further recording."""
    return list({entry.file_sha256: entry for entry in entries}.values())


def _notes(entries: int, of_model: int, in_time: int, files: int) -> Iterator[str]:
    """Yield notes on entries that do not count."""
    if other := entries - of_model:
        yield f"{counted(other, 'entry', 'entries')} of other models left out"
    if early := of_model - in_time:
        yield f"{counted(early, 'entry', 'entries')} before that time left out"
    if repeated := in_time - files:
        yield f"{counted(repeated, 'entry', 'entries')} of files that were asked about again left out"
