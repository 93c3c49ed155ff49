"""Stage `pool`: the tables and facts of all training corpora together, in `data/cycles/`."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime import corpus_facts, item_folders, params
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json, write_table
from tasks.runtime.pooled_facts import pool as pool_facts
from tasks.runtime.stage import stage
from tasks.runtime.words import counted, listed

log = logging.getLogger("pool")


def pool(folders: Mapping[str, Path], out: Path) -> None:
    """Write the rows of all corpora as one table of recordings and one of cycles, with their facts.

    Columns that only some corpora have are null for the others. The tables of one corpus stay as they are.

    Args:
        folders: Folder of the tables of each corpus, by its name.
        out: Folder of the joined tables.

    Raises:
        BreathlineError: Two corpora share a patient, a recording or a cycle, or their label sets differ.
    """
    for table, keys in ((artifacts.RECORDINGS, ("recording_id", "patient_id")), (artifacts.CYCLES, ("cycle_id",))):
        parts = {name: read_table(folder / table.name) for name, folder in folders.items()}
        for key in keys:
            _refuse_shared({name: set(part[key].to_pylist()) for name, part in parts.items()}, key)
        write_table(out / table.name, pa.concat_tables(parts.values(), promote_options="default").sort_by(keys[0]))
    summaries = {name: read_json(folder / artifacts.SUMMARY.name) for name, folder in folders.items()}
    write_json(out / artifacts.SUMMARY.name, summary(summaries))
    corpus_facts.write(out, pool_facts([corpus_facts.read(folder) for folder in folders.values()]))
    totals = ", ".join(f"{name} {counted(one['cycles'], 'cycle')}" for name, one in summaries.items())
    log.info(f"{counted(len(folders), 'corpus', 'corpora')} to learn from: {totals}")


def _refuse_shared(values: Mapping[str, set[str]], key: str) -> None:
    """Refuse ids that two corpora share: they would be taken for one patient, recording or cycle."""
    seen: dict[str, str] = {}
    for name, ids in values.items():
        shared = sorted(one for one in ids if one in seen)
        if shared:
            what = key.removesuffix("_id")
            raise BreathlineError(
                f"The corpora {seen[shared[0]]} and {name} share {counted(len(shared), what)}: {listed(shared)}.",
                where=f"params.yaml: corpora.{name}",
                hint="remove one of them; generated corpora need different numbers, as demo.first_patient",
            )
        seen |= dict.fromkeys(ids, name)


def summary(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the summary of all corpora: sums, joined lists, and the summary of each."""
    return {
        "corpora": dict(parts),
        "recordings": sum(part["recordings"] for part in parts.values()),
        "cycles": sum(part["cycles"] for part in parts.values()),
        "classes": _classes([part["classes"] for part in parts.values()]),
        "missing": [name for part in parts.values() for name in part["missing"]],
        "corrections": [one for part in parts.values() for one in part["corrections"]],
        "rates": sorted({rate for part in parts.values() for rate in part["rates"]}),
    }


def _classes(parts: Sequence[Mapping[str, Mapping[str, Mapping[str, int]]]]) -> dict[str, Any]:
    """Return the number of cycles by side, label set and class, summed over corpora."""
    total: dict[str, dict[str, Counter[str]]] = {}
    for part in parts:
        for side, label_sets in part.items():
            for name, counts in label_sets.items():
                total.setdefault(side, {}).setdefault(name, Counter()).update(counts)
    return {side: {name: dict(counts) for name, counts in sets.items()} for side, sets in total.items()}


def main() -> None:
    """Run the stage on the project in the working directory."""
    with stage("pool"):
        names = sorted(params.section(params.read(), "corpora"), key=params.natural)
        folders = {name: CorpusFolders("training", name).tables for name in names}
        item_folders.check(CorpusFolders("training", "*").tables.parent, names, "Extracted corpora")
        pool(folders, artifacts.POOL)


if __name__ == "__main__":
    main()
