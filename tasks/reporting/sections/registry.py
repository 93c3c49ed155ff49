"""Registry of the sections: each module of this package that assigns `SECTION`."""

from importlib import import_module

from models import discovery
from tasks.reporting import sections
from tasks.reporting.section import Section


def read() -> dict[str, Section]:
    """Return the sections by the names of their modules, in the order of the page."""
    names = discovery.assigned(sections, "SECTION")
    found: dict[str, Section] = {name: import_module(f"{sections.__name__}.{name}").SECTION for name in names}
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))
