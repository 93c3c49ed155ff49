"""Records without the code that ran, and records with code from outside of the project."""

from lineage import record
from tasks.runtime.files import sha256
from tests.pipeline import tampering as do


def _record(folder, stage, change):
    """Change a record, and dvc.lock, cache and event log, so that all of them name it."""
    path = folder / record.path_of(stage)
    before = sha256(path)
    do.document(path, change)
    after = sha256(path)
    do.rewrite_log(folder, lambda entry: entry | ({"record": after} if entry.get("record") == before else {}))
    do.restore(folder, stage)


def _debugger(folder, *, changed=False):
    """Let a record say that a module of a debugger was imported, which may have changed since."""
    file = folder.parent / "debugger.py"
    file.write_text("x = 1\n")
    digest = sha256(file)
    _record(folder, "evaluate", lambda found: found.update(foreign={str(file): digest}))
    if changed:
        file.write_text("x = 2\n")


# fmt: off
CASES = {
    "a record without the module of its stage": (
        lambda p: _record(p, "evaluate", lambda found: found.update(modules={})),
        "module-unrecorded", "evaluate.json", "does not hold tasks/evaluate.py"),
    "a record of a corpus without the module of its stage": (
        lambda p: _record(p, "extract@icbhi", lambda found: found["modules"].pop("tasks/extract.py")),
        "module-unrecorded", "extract@icbhi.json", "does not hold tasks/extract.py"),
    "a module from outside, changed since the run": (lambda p: _debugger(p, changed=True),
        "module-changed", "debugger.py", "ran another version"),
}
# fmt: on
HONEST = {
    "a module from outside that was allowed": _debugger,
    "a startup module of another system": lambda p: _record(
        p, "evaluate", lambda found: found.update(foreign={"/usr/lib/python3.99/sitecustomize.py": "0" * 64})
    ),
}
