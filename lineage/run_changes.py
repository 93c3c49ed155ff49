"""Changes from one run of a stage to the next, from their records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage.diff import changes, provenance
from lineage.diff.changes import Changes
from lineage.files import by_path, hashes
from tasks.runtime.words import listed, shortened

LONGEST = 40  # characters of a value in words

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """Facts of a record that runs are compared by; a record itself may have a megabyte."""

    command: str
    parameters: Mapping[str, Any]  # values by dotted key
    packages: Mapping[str, str | None]  # versions by name, with Python and the hash of the lock file
    code: Mapping[str, str]  # SHA-256 by path
    inputs: Mapping[str, str]  # SHA-256 by path
    outs: Mapping[str, str]  # content hash, or SHA-256 of a file without one, by path


@dataclass(frozen=True, kw_only=True)
class RunChanges:
    """Changes from one run of a stage to the next."""

    command: bool
    parameters: Changes
    packages: Changes
    code: Changes
    inputs: Changes
    outs: Changes

    def __bool__(self) -> bool:
        """Return whether a cause changed; outs are effects."""
        return self.command or any((self.parameters, self.packages, self.code, self.inputs))

    def in_words(self, limit: int) -> Iterator[str]:
        """Yield the changes, each kind as a phrase that names at most `limit` of them."""
        if self.command:
            yield "the command"
        yield from _pairs(self.parameters, limit)
        for noun, found in (("code", self.code), ("inputs", self.inputs)):
            if names := [*found.changed, *found.added, *(f"{name} (removed)" for name in found.removed)]:
                yield f"{noun}: {listed(names, limit)}"
        yield from _pairs(self.packages, limit)
        if not self:
            yield "nothing, with other outs" if self.outs else "nothing, with equal outs"


def facts_of(record: Record) -> RunFacts:
    """Return the facts of a record."""
    outs = by_path(record["outputs"])
    return RunFacts(
        command=str(record["command"]),
        parameters=provenance.parameters_of(record),
        packages=provenance.environment_of(record),
        code=hashes(record["code"]),
        inputs=hashes(record["inputs"]),
        outs={path: file.get("content", file["sha256"]) for path, file in outs.items()},
    )


def between(old: RunFacts, new: RunFacts) -> RunChanges:
    """Return the changes between two runs of a stage."""
    names = ("parameters", "packages", "code", "inputs", "outs")
    found = {name: changes.between(getattr(old, name), getattr(new, name)) for name in names}
    return RunChanges(command=old.command != new.command, **found)


def _pairs(found: Changes, limit: int) -> Iterator[str]:
    """Yield ``key old → new``, one for each key, and the number of those beyond the limit."""
    pairs = [
        f"{key} {shortened(old, LONGEST)} → {shortened(new, LONGEST)}" for key, (old, new) in found.changed.items()
    ]
    pairs += [*(f"{key} (added)" for key in found.added), *(f"{key} (removed)" for key in found.removed)]
    yield from pairs[:limit]
    if len(pairs) > limit:
        yield f"{len(pairs) - limit} more settings"
