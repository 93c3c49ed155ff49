"""Launcher of stages, which `cli.stage` starts.

It provides what a stage must not import itself: the record of its run (`lineage`), the map over Dask and
the provenance on the report (`flows`).
"""

import argparse
import inspect
from collections.abc import Generator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tasks.runtime import garbage, pydantic_plugins, text_streams, users
from tasks.runtime.hooks import hooks
from tasks.runtime.parent_death import terminate_with_parent
from tasks.sources import proxies


def run() -> None:
    """Run the stage that the command line names."""
    terminate_with_parent()
    pydantic_plugins.disable()
    proxies.bypass_loopback()
    text_streams.set_up()
    users.ensure_name()
    parser = argparse.ArgumentParser(prog="python -m cli.stage", description="Run one stage and write its record.")
    parser.add_argument("name", help="stage of dvc.yaml, with its item if it has one, such as fbank@demo-ast")
    parser.add_argument("item", nargs="*", help="item of the stage, if the name does not have it")
    arguments = parser.parse_args()
    # From a subfolder, DVC puts the path of dvc.yaml before the name.
    name, at, item = arguments.name.rpartition(":")[2].partition("@")
    items = [*([item] if at else []), *arguments.item]
    own, separator, role = name.partition("_external")  # the same work for a corpus that is only tested on
    if separator and not role:
        name, items = own, [*items, "external"]
    module = f"tasks.{name}"
    if not name.isidentifier() or find_spec(module) is None:
        parser.error(f"unknown stage {arguments.name}; see dvc.yaml")
    with garbage.paused():  # these imports make many objects that stay
        from lineage.recorder import recorded
        from tasks.parameters import judge
        from tasks.runtime.params import PARAMS

        if PARAMS.exists():
            judge.check(PARAMS)
        hooks.recorder, hooks.dask_mapper, hooks.provenance = recorded, map_over_dask, provenance
        stage = import_module(module).main
    try:
        inspect.signature(stage).bind(*items)
    except TypeError as error:
        parser.error(f"{arguments.name}: {error}")
    stage(*items)


def map_over_dask(*args: Any, **kwargs: Any) -> Generator[Any, None, None]:
    """Call `flows.dask_map.in_order`, which is imported only when Dask is asked for."""
    from flows import dask_map

    return dask_map.in_order(*args, **kwargs)


def provenance(root: Path) -> Mapping[str, Any]:
    """Call `flows.report_provenance.read`, which is imported only for the report."""
    from flows import report_provenance

    return report_provenance.read(root)
