"""Scores of a backfill: one table for each set of comparable variants."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.backfills.variants import Variant
from flows.publish import markdown, scores
from tasks.evaluation.words import flagged
from tasks.runtime.files import write_text

# Code that computes the scores. If it differs between commits, scores of the same name may be different metrics.
METRIC_CODE = ("models/metrics.py",)
MISSING = "–"


@dataclass(frozen=True)
class Table:
    """Variants with equal test cycles, labels, epoch selection and metric definitions.

    Attributes:
        selection: Selection of the epoch, `val` or `paper`.
        title: Description of the measurement.
        header: Names of the columns.
        rows: Name of a variant, then its scores in percent; None if a score is undefined.
    """

    selection: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]

    @property
    def records(self) -> list[dict[str, str | float | None]]:
        """Rows as mappings, by column."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]


def tables(workspaces: Mapping[Path, Variant]) -> list[Table]:
    """Return a table for every set of comparable variants; variants without scores are left out.

    Args:
        workspaces: Variants, by the folder of their workspace.
    """
    groups: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for folder, variant in workspaces.items():
        if found := scores.read(folder):
            del found[scores.MEASURED], found[scores.DEGENERATE]
            metrics, code = scores.read_metrics(folder), _metric_code_hash(folder)
            for key, value in found.items():
                model, _, name = key.rpartition(".")
                corpus, selection, kind = scores.parts(model)
                group = groups.setdefault((selection, scores.measured(metrics, corpus), code), {})
                group.setdefault(_flagged(variant.name, metrics, model.removesuffix(kind)), {})[f"{kind} {name}"] = (
                    value
                )
    definitions = list(dict.fromkeys(definition for _, _, definition in groups))
    found_tables = []
    for (selection, measured, definition), members in groups.items():
        title = f"{measured or 'Test set and labels not recorded'}, epoch chosen on {selection}"
        if len(definitions) > 1:
            title += f", metrics as defined by version {definitions.index(definition) + 1} of {METRIC_CODE[0]}"
        found_tables.append(_table(selection, title, members))
    return found_tables


def write(found: Sequence[Table], folder: Path) -> list[Path]:
    """Write tables as ``backfill.json`` and ``backfill.md``, and return the paths."""
    listed = [{"selection": table.selection, "measured": table.title, "variants": table.records} for table in found]
    texts = {
        folder / "backfill.json": json.dumps(listed, indent=2, ensure_ascii=False) + "\n",
        folder / "backfill.md": markdown_tables(found),
    }
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def markdown_tables(found: Sequence[Table]) -> str:
    """Return tables as Markdown."""
    parts = []
    for table in found:
        rows = [[markdown.text(row[0]), *map(_number, row[1:])] for row in table.rows]
        parts += [f"### {table.title}", markdown.table(table.header, rows, right=range(1, len(table.header)))]
    return "\n\n".join([*parts, "Scores in percent; Score = (Sp + Se) / 2."]) + "\n"


def _flagged(variant: str, metrics: Mapping[str, Any], prefix: str) -> str:
    """Return the name of a variant, with the models of one selection and corpus that are degenerate.

    Args:
        variant: Name of the variant.
        metrics: Content of ``reports/metrics.json``.
        prefix: Key of the selection in the scores, with a dot after it.
    """
    found = {kind: scores.degenerate(metrics, f"{prefix}{kind}") for kind in ("student", "ensemble")}
    return flagged(variant, "; ".join(f"{kind} {flag}" for kind, flag in found.items() if flag) or None)


def _number(value: Any) -> str:
    return MISSING if value is None else f"{value:.2f}"


def _table(selection: str, title: str, members: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = dict.fromkeys(key for found in members.values() for key in found)
    return Table(
        selection,
        title,
        ("variant", *columns),
        tuple((name, *(found.get(key) for key in columns)) for name, found in members.items()),
    )


def _metric_code_hash(workspace: Path) -> str:
    """Return a hash of the code that defines the metrics."""
    code = [(workspace / name).read_bytes() for name in METRIC_CODE if (workspace / name).is_file()]
    return hashlib.sha256(b"".join(code)).hexdigest()
