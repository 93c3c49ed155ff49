"""Changes of dvc.lock and of the cache of DVC, each with the errors that verification finds."""

from tests.pipeline import tampering as do

# fmt: off
CASES = {
    "dvc.lock: an MD5": (
        lambda p: do.lock(p, "fbank@icbhi-ast", lambda stage: stage["outs"][0].update(md5="0" * 32 + ".dir")),
        "lock-changed", "dvc.lock", "of data/fbank/ast/icbhi in fbank@icbhi-ast is 000"),
    "dvc.lock: a parameter": (
        lambda p: do.lock(p, "evaluate", lambda stage: stage["params"]["params.yaml"]["evaluation"].update(seed=1)),
        "lock-changed", "dvc.lock", "`evaluation` of evaluate"),
    "dvc.lock cut off": (
        lambda p: (p / "dvc.lock").write_text((p / "dvc.lock").read_text()[:5000].rpartition("\n")[0] + "\n'"),
        "lock-unreadable", "dvc.lock", "cannot be read"),
    "dvc.lock removed": (lambda p: (p / "dvc.lock").unlink(), "lock-missing", "dvc.lock", "not there"),
    "dvc.lock brought in line": (lambda p: (do.weight(p), do.restore(p, "train_student@1")),
        "out-changed lock-committed", "data/student/1", "dvc.lock names a version"),
    "dvc.lock without a record": (do.unlock_record, "lock-changed", "dvc.lock", "data/lineage/evaluate.json"),
    "an object of the cache": (do.damage_cache, "cache-changed", "", "data/teachers/t1/val.safetensors"),
}
# fmt: on
