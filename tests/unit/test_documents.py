"""Documents for contributors against the project: paths, links and the figure of the architecture."""

import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
FOLDERS = ("breathline", "cli", "docs", "flows", "lineage", "models", "recipes", "tasks", "tests")
PAGES = (
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_and_link_of_a_page_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", text))
    links = {((ROOT / page).parent / link).relative_to(ROOT) for link in re.findall(r"\]\(([\w./-]+)\)", text)}
    named = {path for path in paths if "NAME" not in path} | {str(link) for link in links}
    assert not sorted(path for path in named if not (ROOT / path).exists())


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_heading_finds_it(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", text)
    targets = {link: (ROOT / page).parent / link if link else ROOT / page for link, _ in links}
    assert not [(link, anchor) for link, anchor in links if anchor not in anchors(targets[link])]


def test_each_of_the_ten_questions_names_at_most_three_files():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Ten questions")[2]
    answers = re.findall(r"^\| [^|]+\? \| ([^|]+) \|$", text, flags=re.MULTILINE)
    assert len(answers) == 10
    assert all(1 <= len(re.findall(r"`[\w./]+\.(?:py|yaml|j2)`", answer)) <= 3 for answer in answers)


def test_readme_and_design_show_the_same_figure():
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/explanation/design.md")]
    figures = [re.findall(r"```mermaid\n.*?```", page, flags=re.DOTALL) for page in pages]
    assert figures[0] == figures[1]
    assert len(figures[0]) == 1
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    assert not [stage for stage in stages if not re.search(rf"\b{stage}\b", figures[0][0])]


def test_every_variable_of_the_environment_is_documented():
    documented = (ROOT / "docs/reference/environment.md").read_text(encoding="utf-8")
    sources = [
        path
        for folder in ("breathline", "cli", "flows", "lineage", "models", "tasks")
        for path in (ROOT / folder).rglob("*.py")
    ]
    texts = [path.read_text(encoding="utf-8") for path in (*sources, ROOT / "tests/conftest.py")]
    names = {name for text in texts for name in re.findall(r"\bBREATHLINE_[A-Z_]*[A-Z]\b", text)}
    assert "BREATHLINE_DEBUG" in names
    assert not [name for name in sorted(names) if f"`{name}`" not in documented]


def test_the_version_is_the_same_everywhere():
    """The changelog names the version that is being made above all others, with its date."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    newest = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert newest[1] == f"{project['version']} – {citation['date-released']}"
    assert citation["version"] == project["version"]
