"""Section of the provenance: time, commit, recipe and corpora of the figures, and the use of the test set so far."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.runtime.words import shortened

MOST = 20  # changed parameters or files that are listed
LONGEST = 60  # characters of a value


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    found = run.provenance
    recipe = found.get("recipe")
    changes = list(recipe["changes"].items()) if recipe else []
    files = [*found.get("changed_files", []), *found.get("untracked", [])]
    return {
        "found": found,
        "at": moment(found.get("evaluated_at")),
        "commit": commit(found),
        "files": files[:MOST],
        "changes": [(key, shortened(old, LONGEST), shortened(new, LONGEST)) for key, (old, new) in changes[:MOST]],
        "more": {"changes": len(changes) - MOST, "files": len(files) - MOST},
    }


def headline(run: RunResults) -> str:
    """Return the line of the page's header; empty without provenance."""
    found = run.provenance
    parts = [moment(found["evaluated_at"]), commit(found)] if found.get("evaluated_at") else []
    if parts and (recipe := found.get("recipe")):
        differing = len(recipe["changes"])
        small = " (small version)" if recipe["small"] else ""
        parts.append(f"recipe {recipe['name']}{small}" + (f" with {differing} other settings" if differing else ""))
    return " · ".join(part for part in parts if part)


def moment(text: str | None) -> str | None:
    """Return a time of the event log to the minute."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC" if text else None


def commit(found: Mapping[str, Any]) -> str | None:
    """Return the commit of the code, and whether files differed from it."""
    if not found.get("commit"):
        return None
    return f"commit {found['commit'][:12]}" + (" with uncommitted changes" if found["dirty"] else "")


SECTION = Section(title="Provenance", order=950, content=content)
