"""Site of the documentation: generated pages, lists of pages, links and pictures. `make docs` builds it."""

import ast
import hashlib
import importlib.util
import re
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
import torch
from dvc import rwlock
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from models.networks.base import NetworkSpec
from models.training.settings import TrainingSettings
from tasks.artifacts import CATALOGUE
from tasks.parameters.model import Params

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CODE = ("breathline", "cli", "flows", "lineage", "models", "tasks")
PARTS = ("tutorial", "how-to", "reference", "explanation")


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    """Return the settings of Sphinx, which need no Sphinx."""
    spec = importlib.util.spec_from_file_location("conf", DOCS / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


def shown(conf: ModuleType, name: str) -> str:
    """Return a page as Sphinx reads it."""
    page = DOCS / f"{name}.md"
    text: str = conf.prepare(page.read_text(encoding="utf-8"), page)
    return text


def test_the_reference_has_every_command_and_option(conf):
    text = shown(conf, "reference/cli")

    def check(group: TyperGroup, path: str) -> int:
        found = 0
        for name, command in group.commands.items():
            assert re.search(rf"^##+ {path} {name}$", text, flags=re.MULTILINE)
            part = re.split(rf"^##+ {path} {name}$", text, flags=re.MULTILINE)[1].split("\n#")[0]
            if isinstance(command, TyperGroup):
                found += check(command, f"{path} {name}")
                continue
            names = [option for one in command.params for option in one.opts if option.startswith("--")]
            row = r"^\| `[^`]*{}\b.*` \| "
            assert [one for one in names if not re.search(row.format(one), part, re.MULTILINE)] in ([], ["--help"]), (
                name
            )
            found += 1
        return found

    assert check(get_command(app), "breathline") > 30


def test_the_reference_has_every_key_of_the_parameters(conf):
    keys = set(re.findall(r"^\| `([\w.]+)` \|", shown(conf, "reference/parameters"), flags=re.MULTILINE))
    top = {key.partition(".")[0] for key in keys}
    assert top - {"options"} == {field.name for field in fields(Params)}
    training = {key.split(".")[1] for key in keys if key.startswith("teacher_training.")}
    assert training == {field.name for field in fields(TrainingSettings)}
    for key in ("teacher_training.optimizer.rho", "student.seeds", "corpora.NAME.exclude_patients", "options.width"):
        assert key in keys


def test_the_values_of_a_key_are_those_of_the_typed_model(conf):
    text = shown(conf, "reference/parameters")
    row = next(line for line in text.splitlines() if line.startswith("| `teacher_training.optimizer.name` |"))
    assert "`sam`, `look_sam`" in row
    assert "adamw \\| adam" in row
    assert re.search(r"\| `validation.fraction` \| number ≥ 0.02, ≤ 0.5 \|", text)


def test_the_reference_has_every_artifact(conf):
    text = shown(conf, "reference/artifacts")
    assert not [one for one in CATALOGUE if f"| `{one.pattern.as_posix()}` | {one.title} | `{one.stage}` |" not in text]


@pytest.mark.parametrize("part", PARTS)
def test_the_list_of_a_part_has_every_page(part):
    index = (DOCS / part / "index.md").read_text(encoding="utf-8")
    tree = index.partition("```{toctree}")[2]
    names = {page.stem for page in (DOCS / part).glob("*.md")} - {"index"}
    for name in names:
        assert re.search(rf"^(.*<)?{name}>?$", tree, flags=re.MULTILINE), f"the toctree lacks {name}"
        assert f"]({name}.md)" in index, f"the list lacks {name}"


def test_the_tests_of_ci_build_the_site_strictly():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test: .*\n\t\$\(MAKE\) .*\bdocs\b", text, flags=re.MULTILINE)
    assert re.search(r"^docs: .*\n\tpython -m sphinx .*--fail-on-warning", text, flags=re.MULTILINE)


def test_a_list_has_every_page_beside_the_parts():
    lists = "".join((DOCS / part / "index.md").read_text(encoding="utf-8") for part in PARTS)
    names = [page.stem for page in DOCS.glob("*.md") if page.stem != "index"]
    assert not [name for name in names if f"](../{name}.md)" not in lists or f"\n../{name}\n" not in lists]


def test_the_start_page_leads_to_every_part():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert not [part for part in PARTS if f"]({part}/index.md)" not in index]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](../reference/cli.md#x)", "[a](../reference/cli.md#x)"),
        ("[a](../../SECURITY.md)", "[a](../reference/security-policy.md)"),
        ("[a](../../CONTRIBUTING.md#a-corpus)", "[a](../reference/contributing.md#a-corpus)"),
        ("[parameters](../../params.yaml)", "`params.yaml`"),
        ("[`x`](../../params.yaml)", "`x`"),
        ("[a](https://example.org/a.md)", "[a](https://example.org/a.md)"),
    ],
)
def test_links_out_of_the_docs_lead_to_pages_or_are_names(conf, link, expected):
    assert conf.prepare(f"See {link}.", DOCS / "how-to/use.md") == f"See {expected}."


def test_a_page_that_is_one_link_shows_the_file(conf):
    text = shown(conf, "reference/contributing")
    assert text.startswith("# Contributing")
    assert "](../explanation/design.md)" in text
    assert "](docs/" not in text


def test_the_picture_of_the_pipeline_is_that_of_the_design(conf):
    text = (DOCS / "explanation/design.md").read_text(encoding="utf-8")
    (figure,) = re.findall(r"^```mermaid\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    picture = (DOCS / "_static/pipeline.svg").read_text(encoding="utf-8")
    assert f"<!-- figure {hashlib.sha256(figure.encode()).hexdigest()} -->" in picture, "run docs/pictures.py"
    assert "```mermaid" not in shown(conf, "explanation/design")


def test_pictures_are_small_and_used():
    text = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    for picture in (*DOCS.rglob("*.webp"), *DOCS.rglob("*.png")):
        assert picture.stat().st_size < 300_000
        assert f"_static/{picture.name})" in text


def test_the_network_of_the_how_to_can_be_built_as_it_stands():
    text = (DOCS / "how-to/add-a-network.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert ast.get_docstring(ast.parse(source))
    names: dict[str, object] = {"__name__": "small_cnn"}
    exec(source, names)  # noqa: S102 - the example itself
    one = names["ARCHITECTURES"]["small_cnn"]
    network = one.build(one.options(channels=4), NetworkSpec(frames=20, mels=16, classes=4))
    assert network(torch.zeros(2, 20, 16)).shape == (2, 4)
    assert network.embed(torch.zeros(2, 20, 16)).shape == (2, network.num_features)


def test_messages_of_the_troubleshooting_page_are_those_of_the_code():
    files = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    files += [ROOT / "Makefile", Path(rwlock.__file__)]  # one message is DVC's own
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    source = re.sub(r'"\n\s*f?"', "", source)  # a text over several lines
    text = (DOCS / "how-to/troubleshooting.md").read_text(encoding="utf-8")
    first = [row for row in re.findall(r"^\| ([^|]+) \|", text, flags=re.MULTILINE) if row != "Message"]
    quoted = [long or short for row in first for long, short in re.findall(r"``(.+?)``|`([^`]+)`", row)]
    parts = [part.strip(" .") for words in quoted for part in words.split("…") if len(part.strip(" .")) > 2]
    assert len(parts) > 25
    assert not [part for part in parts if part not in source]
