"""Results that were changed along with all current evidence, which an earlier run contradicts."""

import shutil
from collections.abc import Callable
from pathlib import Path

from lineage import cached_records, record
from lineage.dvc_storage import cache_of
from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do

TEACHER, STAGE = "data/teachers/t1", "train_teacher@t1"
WEIGHTS = f"{TEACHER}/val.safetensors"
METRICS = "reports/metrics.json"
SOURCE = "data/raw/icbhi/source.json"


def forge(folder: Path, *forget: Callable[[Path], object]) -> None:
    """Change weights with record, dvc.lock, cache and log, commit all, and remove some of the other evidence."""
    do.forge(folder, WEIGHTS, lambda project: do.weight(project, WEIGHTS))
    for remove in forget:
        remove(folder)
    runs.commit(folder, "A run")


def history(folder: Path) -> None:
    """Remove the commit of the run from Git, as from a branch that was rebased; the commit of the code stays."""
    toy.call(folder, "git", "reset", "--quiet", "--soft", "HEAD~1")
    toy.call(folder, "git", "reflog", "expire", "--expire=now", "--all")


def run_cache(folder: Path) -> None:
    """Remove DVC's run-cache."""
    shutil.rmtree(folder / ".dvc/cache/runs")


def records(folder: Path) -> None:
    """Remove the earlier record of the teacher from the cache."""
    now = (folder / record.path_of(STAGE)).read_bytes()
    for path in cached_records.by_stage(cache_of(folder))[STAGE]:
        if path.read_bytes() != now:
            path.unlink()


def in_remote(folder: Path) -> None:
    """Push cache and run-cache to a remote in a folder, then forge and remove all other evidence."""
    shutil.copytree(folder / ".dvc/cache", folder.parent / "store")
    (folder / ".dvc/config.local").write_text("['remote \"store\"']\n    url = ../../store\n")
    forge(folder, history, run_cache, records)


def in_ref(folder: Path, name: str) -> None:
    """Give the commit of the run a ref, then forge and remove all other evidence."""
    toy.call(folder, "git", "update-ref", name, "HEAD")
    forge(folder, history, run_cache, records)


def edit_run_cache(folder: Path) -> None:
    """Let the entry of the teacher in the run-cache restore other weights."""
    entries = (folder / ".dvc/cache/runs").glob("??/*/*")
    path = next(path for path in entries if f"path: {TEACHER}\n" in path.read_text().partition("outs:")[2])
    before, _, md5 = path.read_text().rpartition("md5: ")
    path.chmod(0o644)
    path.write_text(f"{before}md5: {'0' * 8}{md5[8:]}")


def forge_metric(folder: Path) -> None:
    """Change a figure of which only Git has the earlier version, with all evidence."""
    do.cached(folder, METRICS).unlink(missing_ok=True)
    do.forge(
        folder, METRICS, lambda p: do.document(p / METRICS, lambda m: m["student"]["val"]["sp"].update(mean=100.5))
    )


def relabel(folder: Path) -> None:
    """Change the label of the first cycle of a corpus with all evidence."""
    own = "data/extracted/icbhi/cycles.parquet"

    def change(project: Path) -> None:
        for path in (own, do.CYCLES):
            do.value(project / path, "lungsound_4", 0, lambda label: (label + 1) % 4)

    do.forge(folder, own, change)


def annotate(folder: Path) -> None:
    """Change a flag of the first annotation with all evidence."""
    path = do.first(folder, ".txt")
    do.forge(folder, str(path.relative_to(folder)), lambda _: do.text(path, "0\t0", "1\t0"))


# fmt: off
CASES = {
    "weights with all evidence but the commit of the run": (lambda p: forge(p, run_cache, records),
        "run-repeated", STAGE, "the same run had other outs at commit "),
    "weights with all evidence but a tag": (lambda p: in_ref(p, "refs/tags/v1"),
        "run-repeated", STAGE, "the same run had other outs at commit "),
    "weights with all evidence but an experiment": (lambda p: in_ref(p, "refs/exps/ab/cdef/name"),
        "run-repeated", STAGE, "the same run had other outs at commit "),
    "weights with all evidence but a stash": (lambda p: in_ref(p, "refs/stash"),
        "run-repeated", STAGE, "the same run had other outs at commit "),
    "weights with all evidence but the run-cache": (lambda p: forge(p, history, records),
        "run-repeated", STAGE, "in the run-cache of DVC's cache: data/teachers/t1/val.safetensors: tensor "),
    "weights with all evidence but a record in the cache": (lambda p: forge(p, history, run_cache),
        "run-repeated", STAGE, "in a record that DVC's cache has: data/teachers/t1/val.safetensors: tensor "),
    "weights with all evidence but a remote": (in_remote,
        "run-repeated", STAGE, "in the run-cache of the remote store: data/teachers/t1/val.safetensors"),
    "weights with all evidence, and dvc.lock removed": (lambda p: (forge(p), (p / "dvc.lock").unlink()),
        "lock-missing run-repeated", STAGE, "other outs at commit"),
    "a label with all evidence": (relabel,
        "run-repeated", "extract@icbhi", "{label}"),
    "an annotation with all evidence": (
        annotate,
        "run-repeated recording-contradicts", "download@icbhi", ".txt: line "),
    "a metric with all evidence but the last commit": (forge_metric,
        "run-repeated metric-contradicts", "evaluate", "reports/metrics.json: student.val.sp.mean: "),
    "an entry of the run-cache": (edit_run_cache, "cache-changed", "", "an entry of the run-cache of DVC's cache"),
}
HONEST = {
    "new recordings of another archive": lambda p: do.forge(
        p, SOURCE, lambda project: do.document(project / SOURCE, lambda read: read["archive"].update(sha256="6" * 64))),
    "recordings of a folder that changed": lambda p: do.forge(
        p, SOURCE, lambda project: do.document(project / SOURCE, lambda read: read.update(archive=None))),
    "the run-cache removed": run_cache,
    "a remote that cannot be read from here": lambda p: (p / ".dvc/config.local").write_text(
        "['remote \"far\"']\n    url = s3://bucket/store\n['remote \"away\"']\n    url = /not/mounted\n"),
    "another history of the same run": lambda p: (history(p), runs.commit(p, "The code and its run, squashed")),
}
# fmt: on
