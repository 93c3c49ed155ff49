"""Stages `extract` and `validate` on a small source in a temporary project."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import soundfile

from tasks import extract
from tasks.checks import frames, runner
from tasks.checks.suites import suites
from tasks.corpora import registry
from tasks.runtime import corpus_facts
from tests.unit.tasks.checks.tables import SETTINGS
from tests.unit.tasks.download.project import Project


def write_noise(path: Path, seed: int, seconds: float, rate: int = 4000) -> None:
    """Write a recording of noise."""
    noise = np.random.default_rng(seed).uniform(-0.3, 0.3, int(rate * seconds))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise, rate, subtype="PCM_16")


def tables(project: Project) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    """Extract what `download` brought, and return recordings, cycles and the summary."""
    out = project.raw.parent / "cycles"
    summary = extract.extract(project.raw, out, out / "audio", rates=[4000], workers=1)
    return pl.read_parquet(out / "recordings.parquet"), pl.read_parquet(out / "cycles.parquet"), summary


def checked(project: Project, *names: str) -> dict[str, Any]:
    """Check the extracted tables, and return the verdicts by suite and name; with names, of these checks only."""
    folder = project.raw.parent / "cycles"
    facts = corpus_facts.read(folder)
    corpus = registry.get(facts.format)
    read = frames.read(folder, corpus.recordings_schema, corpus.cycles_schema)
    known = suites(SETTINGS, facts, corpus.expectations(facts.identity), read.summary)
    wanted = {suite: [one for one in checks if not names or one.name in names] for suite, checks in known.items()}
    verdicts, _ = runner.run(read, {suite: some for suite, some in wanted.items() if some}, SETTINGS.severity)
    return {f"{one.suite}.{one.name}": asdict(one) for one in verdicts}
