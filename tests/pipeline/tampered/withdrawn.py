"""Withdrawals of a patient: what looks like one and is none, and honest projects afterwards."""

import shutil

from lineage import dvc_storage, events, record
from lineage.absence import withdrawals
from tests import toy
from tests.pipeline import tampering as do


def told(folder):
    """Append the entry of a withdrawal that was proven."""
    patient = withdrawals.id_of(folder, "icbhi", "103")
    entry = {"event": withdrawals.EVENT, "at": events.now(), "patient": patient, "erased": {}, "proven": True}
    events.append(folder, {**entry, "user": "anna", "host": "small"})


def without_earlier_runs(folder):
    """Erase all but the current run from cache and run-cache, as a withdrawal of all patients of earlier runs does."""
    cache = dvc_storage.cache_of(folder)
    shutil.rmtree(cache.folder / "runs")
    locked = dvc_storage.entries(dvc_storage.read_lock(folder / "dvc.lock"), "outs")
    kept = {md5 for _, path, out in locked for md5 in (out, *cache.files(path, out).values())}
    for path in cache.objects.glob("??/*"):
        if f"{path.parent.name}{path.name}" not in kept:
            path.unlink()


def repeated(folder):
    """Append an earlier run of a stage, whose record a withdrawal has erased from the cache."""
    at = events.now()
    start = events.append(folder, {"event": "start", "stage": "pool", "at": at, "user": "anna", "host": "small"})
    end = {"event": "end", "stage": "pool", "start": start, "status": "done", "at": at, "seconds": 0.0}
    events.append(folder, end | {"record": "0" * 64})
    start = events.append(folder, {"event": "start", "stage": "pool", "at": at, "user": "anna", "host": "small"})
    digest = do.sha256(folder / record.path_of("pool"))
    events.append(folder, end | {"start": start, "record": digest})


def data_of_another(folder):
    """Put a recording of a withdrawn patient back, under another name, and let a withdrawal stand in the log."""
    told(folder)
    shutil.copy(do.first(folder), do.first(folder).with_name("107_1b1_Tc_sc_Meditron.wav"))


# fmt: off
CASES = {
    "a recording that came back after a withdrawal": (data_of_another,
        "out-added", "107_1b1_Tc_sc_Meditron.wav", "no stage made it"),
    "a weight changed, and a withdrawal as its reason": (lambda p: (told(p), do.weight(p)),
        "out-changed", "data/student/1/val.safetensors", "tensor "),
}
HONEST = {
    "a withdrawal in the log": told,
    "a cache without earlier runs, and a withdrawal in the log": lambda p: (without_earlier_runs(p), told(p)),
    "an earlier run whose record was erased": lambda p: (repeated(p), told(p)),
    "a withdrawal that is committed": lambda p: (
        without_earlier_runs(p), told(p), toy.call(p, "git", "commit", "--quiet", "--allow-empty", "-m", "Withdraw"),
    ),
}
# fmt: on
