"""Imports: cli → flows → lineage → tasks → models, without circles; facts of a corpus in its adapter alone."""

import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import pytest
from ruamel.yaml import YAML

from tests.imports import ROOMS, ROOT, imported, modules, named_in_strings

ORCHESTRATORS = {"prefect", "prefect_dask", "dask", "distributed", "dvc"}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


@pytest.mark.slow
def test_no_module_imports_a_room_above_its_own():
    upward = [
        f"{module} → {name}"
        for module in modules()
        for name in (*imported(module), *named_in_strings(module))
        if room(name) in ROOMS[ROOMS.index(room(module)) + 1 :]
    ]
    assert upward == []


def test_models_and_tasks_import_no_orchestrator():
    found = {room(name) for module in modules() if room(module) in ("models", "tasks") for name in imported(module)}
    assert found.isdisjoint(ORCHESTRATORS)


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return one cycle of a graph; an empty list if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle():
    assert cycle({name: set(imported(name)) & modules().keys() - {name} for name in modules()}) == []


def test_no_packages_of_a_room_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = defaultdict(set)
    for name in modules():
        package = ".".join(name.split(".")[:2])
        for other in imported(name) & modules().keys():
            above = ".".join(other.split(".")[:2])
            if above != package:
                graph[package].add(above)
    assert cycle(graph) == []


def test_the_top_level_of_tasks_holds_the_stages_and_the_catalogue():
    top = {path.stem for path in (ROOT / "tasks").glob("[!_]*.py")}
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    assert top == {name.removesuffix("_external") for name in stages} | {"artifacts"}


def test_no_package_of_tasks_imports_a_stage():
    stages = {f"tasks.{path.stem}" for path in (ROOT / "tasks").glob("[!_]*.py")} - {"tasks.artifacts"}
    packaged = [name for name in modules() if room(name) == "tasks" and name.count(".") > 1]
    assert [name for name in packaged if imported(name) & stages] == []


# Two modules know the format of ICBHI's annotation files as one of four.
OF_FORMATS = ("tasks/own_data/annotation_files.py", "tasks/own_data/formats.py")
ADAPTERS = (*(path for path in (ROOT / "tasks/corpora").iterdir() if path.is_dir()), *map(ROOT.joinpath, OF_FORMATS))
FILES = sorted(
    path
    for folder in ("breathline", "cli", "flows", "lineage", "models", "tasks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".j2", ".html", ".css", ".md"} and not any(path.is_relative_to(one) for one in ADAPTERS)
)
FACTS = re.compile(
    r"(?i:icbhi|patient_list_foldwise|filename_differences|filename_format|bhichallenge)"
    r"|\b(?:AKGC417L|LittC2SE|Litt3200|Meditron)\b"
    r"|['\"|](?:Tc|Al|Ar|Pl|Pr|Ll|Lr)['\"|]"
    r"|(?<![\d.])(?:156|218|920|6,?898)(?![\d.]\d|\d)|\b126 patients|226_1b1"
)
# The name of the metric, of published augmentations, and the place of the adapter.
ALLOWED = re.compile(r'ICBHI Score|icbhi_score|icbhi_sup|icbhi_ast_sup|"icbhi": "tasks\.corpora\.icbhi\.adapter"')


def test_no_module_outside_the_adapters_knows_their_corpus():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FACTS.search(ALLOWED.sub("", line))
    ]
    assert len(FILES) > 300
    assert found == []
