"""Checks that records hold the code of their stages, and of all that ran with it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lineage import foreign_modules
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note
from tasks import artifacts


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield records without the module of their stage, and modules from outside of the project that ran."""
    ran: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    standard: set[str] = set()  # startup modules beside the standard library of the machine that ran
    for stage, found in audited.project.records.items():
        module = module_of(stage)
        if module not in found["modules"]:
            what = f"the record does not hold {module}, the code of the stage itself: changed, or {stage} ran otherwise"
            yield Finding("module-unrecorded", f"{artifacts.RECORDS}/{stage}.json", what, (stage,))
        standard.update(found.get("standard") or ())
        for path, digest in _foreign(found).items():
            ran[path, digest].append(stage)
        if refused := found.get("refused"):
            what = f"{len(refused)} modules from outside of the project were imported while {stage} ran"
            what += f", and {foreign_modules.ALLOWED} did not allow them: remove them, and run the stage again"
            yield Finding("module-foreign", str(refused[0]), what, (stage,))
    allowed: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for (path, digest), stages in sorted(ran.items()):
        there = audited.hashes.of(path)
        if there and there.sha256 != digest:
            what = f"it was changed: {len(stages)} stages ran another version"
            yield Finding("module-changed", path, what, tuple(stages))
        if path not in standard:
            allowed[tuple(stages)].append(path)
    for names, paths in allowed.items():
        what = f"{len(paths)} modules from outside of the project ran with {', '.join(names)}"
        yield note("module-foreign", paths[0], f"{what}; {foreign_modules.ALLOWED} allowed them", names)


def module_of(stage: str) -> str:
    """Return the path of the module that does the work of a stage."""
    corpus = artifacts.corpus_of(stage)
    return f"tasks/{corpus[0] if corpus else stage.partition('@')[0]}.py"


def _foreign(found: Mapping[str, Any]) -> Mapping[str, str]:
    foreign = found.get("foreign", {})
    return foreign if isinstance(foreign, Mapping) else {}
