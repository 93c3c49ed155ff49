"""Section of the recordings by corpus and device: level, duration and spectrum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.training.feature_cache import FeatureCache
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.reporting.figures import evenly_chosen
from tasks.reporting.run_results import RunResults, mel
from tasks.reporting.section import Section
from tasks.reporting.svg import INK, drawing, line_of, of_both_widths
from tasks.runtime.artifact_reading import read_table

MOST = 200  # cycles of a group whose spectra are averaged
LOW, HIGH = 0.1, 0.9  # quantiles of the ranges
UNKNOWN = "unknown device"


@dataclass(frozen=True, kw_only=True)
class Domain:
    """Recordings of one device in one corpus.

    Attributes:
        corpus: Name of the corpus.
        device: Name of the device.
        counts: Numbers of recordings, patients and cycles.
        normal: Share of normal cycles among those with a label; None without a label.
        level: RMS level of the recordings in dBFS: quantile 0.1, median, quantile 0.9.
        duration: Duration of the cycles in seconds: the same quantiles.
        rates: Sample rates in Hz, sorted.
        spectrum: Mean feature ``(mels,)`` of at most `MOST` cycles.
    """

    corpus: str
    device: str
    counts: Mapping[str, int]
    normal: float | None
    level: Sequence[float | None]
    duration: Sequence[float | None]
    rates: Sequence[int]
    spectrum: npt.NDArray[np.float64]

    @property
    def name(self) -> str:
        """Name of the group for tables and legends."""
        return f"{self.corpus}, {self.device}"


def of_tables(tables: Path, features: FeatureCache, labels: str) -> list[Domain]:
    """Return the domains of the corpora in a folder of tables, the largest first.

    Args:
        tables: Folder of the tables of recordings and cycles.
        features: Feature cache of these cycles.
        labels: Label set, whose class 0 is normal.
    """
    device = pl.col("device").fill_null(UNKNOWN)
    recordings = pl.DataFrame(read_table(tables / artifacts.RECORDINGS.name)).with_columns(device)
    cycles = pl.DataFrame(read_table(tables / artifacts.CYCLES.name)).with_columns(device)
    found = []
    for (corpus, name), own in cycles.group_by("corpus", "device", maintain_order=True):
        same = (pl.col("corpus") == corpus) & (pl.col("device") == name)
        recorded, label = recordings.filter(same), own[labels].drop_nulls()
        found.append(
            Domain(
                corpus=str(corpus),
                device=str(name),
                counts={
                    "recordings": recorded.height,
                    "patients": recorded["patient_id"].n_unique(),
                    "cycles": own.height,
                },
                normal=float((label == 0).mean()) if len(label) else None,  # type: ignore[arg-type]
                level=_quantiles(recorded["rms_dbfs"]),
                duration=_quantiles(own["duration_s"]),
                rates=sorted(set(recorded["sample_rate"])),
                spectrum=_spectrum(features, own["cycle_id"].to_list()),
            )
        )
    return sorted(found, key=lambda one: (-one.counts["cycles"], one.name))


def _quantiles(values: pl.Series) -> list[float | None]:
    """Return a low quantile, the median and a high quantile of finite values."""
    finite = values.filter(values.is_finite())
    return [finite.quantile(share, "linear") for share in (LOW, 0.5, HIGH)]


def _spectrum(features: FeatureCache, cycles: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the mean feature of cycles that are evenly chosen from all."""
    ordered = sorted(cycles)
    chosen = [ordered[index] for index in evenly_chosen(len(ordered), MOST)]
    means = [mel(features, cycle).mean(axis=0, dtype=np.float64) for cycle in chosen]
    return np.asarray(np.mean(means, axis=0))


def rows(domains: Sequence[Domain]) -> list[dict[str, Any]]:
    """Return the table of the report: a row for each domain, with plain values."""
    return [
        {
            "name": one.name,
            **one.counts,
            "normal": None if one.normal is None else 100 * one.normal,
            "level": one.level,
            "duration": one.duration,
            "rates": ", ".join(f"{rate:,}" for rate in one.rates),
        }
        for one in domains
    ]


def read(run: RunResults) -> list[Domain]:
    """Return the domains of the training corpora, then those of the external ones."""
    labels = run.metrics["labels"]
    found = of_tables(run.root / artifacts.POOL, run.features(run.first_student), labels)
    for name in run.metrics["external"]:
        corpus = CorpusFolders("external", name)
        found += of_tables(run.root / corpus.tables, run.features(run.first_student, name), labels)
    return found


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    domains = read(run)
    return {
        "domains": rows(domains),
        "spectra": of_both_widths(lambda width: _spectra(domains, width)),
        "most": MOST,
        "quantiles": (LOW, HIGH),
    }


def _spectra(domains: Sequence[Domain], width: float) -> str:
    """Return the mean feature of each domain over the mel bins."""
    with drawing(width, 3.9, "Mean feature of each corpus and device over the mel bins") as canvas:
        axes = canvas.axes
        for index, one in enumerate(domains):
            axes.plot(one.spectrum, linewidth=1.4, **line_of(index, one.name))
        axes.set(xlabel="mel bin, from low to high frequencies", ylabel="mean feature")
        axes.set_xlim(0, len(domains[0].spectrum) - 1)
        axes.legend(labelcolor=INK, ncols=2 if len(domains) > 5 else 1)
    return canvas.svg


SECTION = Section(title="Recordings by corpus and device", order=800, content=content)
