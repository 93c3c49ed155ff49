"""Every number of an example page against what its predictions give by other code (`tests.recompute`)."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from models.decision_rules import DecisionRule, of_ensemble
from tasks.evaluation import by_corpus, curves, decision_analysis, native
from tasks.evaluation.ensembles import over_k
from tasks.evaluation.paired_tests import permutation
from tasks.evaluation.predictions import Predictions, pool, table
from tasks.evaluation.summary import about, summarize
from tasks.reporting import page
from tasks.reporting.sections import registry
from tasks.runtime import corpus_facts, files
from tests import recompute
from tests.recompute import __main__ as script
from tests.recompute import comparison, html_page, inventory, limits, section_comparison, svg_figures
from tests.recompute.numbers import NUMBER, differs
from tests.recompute.run import BOTH, Run, read
from tests.unit.tasks.evaluation.example import CLASSES, PUBLISHED, SETTINGS, cycles, evaluator, facts, predict
from tests.unit.tasks.reporting import changed_pages, example, explained

ROOT = Path(__file__).parents[4]
LABELLING, BASELINES = ["teacher/a", "teacher/b"], ["teacher/plain"]
SEEDS = {"student/1": "student/2", "student/2": "student/10"}  # seeds whose order of texts is another one
SKILLS = {SEEDS.get(name, name): skill for name, skill in example.SKILLS.items()}
SKILLS |= {"teacher/plain": 0.9, "teacher/z": 0.2}
SELECTIONS = ("val", "paper")
# No two networks have the same thresholds and temperature.
RULES = {
    name: DecisionRule(
        rule="sensitivity", threshold=0.3 + place / 50, strict=0.41 + place / 50, lenient=0.27 + place / 50,
        temperature=1.6 - place / 10, target=80.0, reached=81.25 - place,
    )
    for place, name in enumerate(name for name in SKILLS if name != "ensemble")
}  # fmt: skip
RULES["ensemble"] = of_ensemble([RULES[name] for name in LABELLING])


def predictions(frame: pl.DataFrame, first_seed: int) -> list[Predictions]:
    """Return predictions of all models on some cycles, in both selections."""
    found = [
        predict(name, frame, first_seed + 10 * at + place, skill, selection)
        for at, selection in enumerate(SELECTIONS)
        for place, (name, skill) in enumerate(SKILLS.items())
    ]
    return [Predictions(one.model, one.selection, one.probabilities, (RULES[one.model],)) for one in found]


def judged(frame: pl.DataFrame, parts: list[Predictions], **challenge: tuple[str, ...]) -> dict:
    """Return the figures of all models on some cycles."""
    described = about(facts(PUBLISHED), "lungsound_4", "official")
    return summarize(evaluator(frame, **challenge), parts, described, LABELLING, BASELINES)


def write_project(root: Path) -> None:
    """Write the files of a finished project that `example.write` leaves out."""
    teachers = {name.partition("/")[2]: {} for name in SKILLS if name.startswith("teacher/")}
    params = {
        "labels": "lungsound_4",
        "split": "official",
        "selections": SELECTIONS,
        "heads": {"one": "lungsound_4"},
        "external": {"theirs": {"test": "official"}},
        "teachers": {**teachers, "plain": {"baseline": True}},
        "soft_labels": {"k": 2, "choose": "first", "exposure": "in_sample"},
        "student": {"seeds": [2, 10]},
        "evaluation": asdict(SETTINGS),
    }
    (root / "params.yaml").write_text(json.dumps(params))
    for name, rule in RULES.items():
        if name != "ensemble":
            card = {
                "architecture": "mn04",
                "options": {"width": 0.1, "pooling": {"window_s": 2.0}},
                "parameters": 12345,
            }
            means = {"level": "none", "spectrum": "recording", "means": [0.5]}
            card |= {"frontend": "efficientat", "normalization": means}
            card |= {"weights": "scratch", "seed": 1, "decision_rules": dict.fromkeys(SELECTIONS, rule.card())}
            card |= {"selections": {key: {"epoch": 2 + at} for at, key in enumerate(SELECTIONS)}}
            folder = root / "data" / name.replace("teacher/", "teachers/")
            files.write_json(folder / "model.json", card)
            losses = np.random.default_rng(len(name)).uniform(size=2)
            history = {"epoch": [1, 2], "train_loss": losses, "val_score_strict": [None, 100 * losses[0]]}
            pl.DataFrame(history).write_csv(folder / "history.csv")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    maps = json.loads(json.dumps(explained.figures()).replace(explained.MODEL, "student/2"))
    probe = {name: {"value": 60.0 + at, "low": 50.0, "high": 70.5} for at, name in enumerate(("probe", "purity"))}
    probe["probe"]["chance"], probe["purity"]["chance"] = 25.0, 31.25
    coloured = {"class": {**probe, "values": 4, "cycles": 90, "left_out": 6}}
    coloured["device"] = {kind: {**one, "low": None, "high": None} for kind, one in probe.items()}
    coloured["device"] |= {"values": 2, "cycles": 96, "left_out": 0}
    model = {"val": {"test": coloured, "train": coloured, "constant": True}}
    sample = {"train": {"cycles": 10, "of": 20}}
    embeddings = {"neighbours": 10, "sample": sample, "omitted": {"test": {}}, "models": {"student/2": model}}
    example.write(folder := tmp_path_factory.mktemp("run"), maps | {"embeddings": embeddings})
    write_project(folder)
    explained.write_maps(path := folder / "data/explanation/maps.parquet", cycles()["cycle_id"].to_list())
    pl.read_parquet(path).with_columns(model=pl.lit("student/2")).write_parquet(path)
    return folder


@pytest.fixture(scope="module")
def run(root) -> tuple[Run, str]:
    """Return the run, and a page with two training corpora, an external one, own heads and published figures."""
    frame = cycles().with_columns(corpus=pl.col("sex").replace_strict({"F": "one", "M": "other"}))
    theirs = cycles(6).with_columns(corpus=pl.lit("theirs"))
    parts, on_theirs = predictions(frame, 0), predictions(theirs, 50)
    for name, some, cycles_of in (("predictions", parts, frame), ("external", on_theirs, theirs)):
        pq.write_table(table(some, cycles_of, CLASSES), root / "data/evaluation" / f"{name}.parquet")
    of_one = frame.filter(corpus="one")
    own = [one.select((frame["corpus"] == "one").to_numpy()) for one in parts]
    tested = by_corpus.Tested(facts=facts(), labels="lungsound_4", test="official", cycles=of_one, predictions=own)
    pq.write_table(native.table({"one": tested}), root / "data/evaluation/native.parquet")
    measured = ("SE", "SP", "AS", "HS", "Score")
    corpora = [replace(facts(PUBLISHED), name=name) for name in ("one", "other")]
    known = replace(facts(PUBLISHED), parts=tuple(corpora), format="lungsound", challenge_metrics=measured)
    corpus_facts.write(root / "data/cycles", known)
    corpus_facts.write(root / "data/external/tested/theirs", replace(facts(), name="theirs"))
    unknown = pl.read_parquet(root / "data/cycles/recordings.parquet").with_columns(age=pl.lit(None, pl.Float64))
    unknown.write_parquet(root / "data/cycles/recordings.parquet")
    chosen = [one for one in parts if one.selection == "val"]
    of_each = {}
    for name in ("one", "other"):
        inside = [one.select((frame["corpus"] == name).to_numpy()) for one in chosen]
        of_each[name] = judged(frame.filter(corpus=name), inside, challenge=measured if name == "one" else ())
    found = judged(frame, parts, challenge=measured) | {"corpora": of_each, "native": {"one": of_each["one"]}}
    found["external"] = {"theirs": judged(theirs, [one for one in on_theirs if one.selection == "val"])}
    drawn = [pool("student", chosen[:2]), next(one for one in chosen if one.model == "ensemble")]
    labels = frame["label"].to_numpy().astype(np.int64)
    members = {k: LABELLING[:k] if k < 3 else [*LABELLING, "teacher/z"] for k in (1, 2, 3)}
    logits = {one.model: np.log(one.probabilities[0]) for one in chosen}
    by_k = {k: [logits[name] for name in some] for k, some in members.items()}
    rules_by_k = {k: of_ensemble([RULES[name] for name in some]) for k, some in members.items()}
    networks = [*(name for name in RULES if name.startswith("teacher/")), "student/2", "student/10"]
    folders = {name: root / "data" / name.replace("teacher/", "teachers/") for name in networks}
    shown = example.results(root, PUBLISHED)
    plots = shown.plots | {
        "roc": curves.roc_table(drawn, labels, CLASSES),
        "precision_recall": curves.precision_recall_table(drawn, labels, CLASSES),
        "operating_points": decision_analysis.operating_curve(drawn, labels, CLASSES),
        "decision_curve": decision_analysis.decision_curve(drawn, labels),
        "training": curves.training_table(folders),
        "ensemble_size": over_k(by_k, evaluator(frame), "val", rules_by_k),
    }
    files.write_json(root / "data/validation/one/results.json", example.VERDICTS)
    files.write_json(root / "reports/metrics.json", found)
    metrics = json.loads((root / "reports/metrics.json").read_bytes())
    cards = {name: json.loads((folder / "model.json").read_bytes()) for name, folder in folders.items()}
    return read(root), page.render(replace(shown, metrics=metrics, plots=plots, cards=cards, facts=known))


@pytest.fixture(scope="module")
def compared(run) -> dict[str, section_comparison.Compared]:
    """Return the comparison of each section of the page."""
    return {one.section: one for one in comparison.compare(*run)}


@pytest.mark.slow
@pytest.mark.parametrize(("section", "pattern", "replacement", "line"), changed_pages.CHANGES)
def test_a_changed_part_of_the_page_is_named(run, section, pattern, replacement, line):
    (own,) = re.findall(f'<section id="{section}".*?</section>', run[1], re.DOTALL)
    changed = re.sub(pattern, replacement, own, count=1, flags=re.DOTALL)
    assert changed != own
    (found,) = comparison.compare(run[0], changed, [section])
    assert any(re.fullmatch(line, one, re.DOTALL) for one in found.wrong), found.wrong


def test_a_page_without_sections_is_wrong_in_each(run):
    for html in ("", html_page.SECTION.sub("", run[1])):
        found = {one.section: one.wrong for one in comparison.compare(run[0], html)}
        assert {*found} == {*inventory.ORDER}
        missing = [name for name, wrong in found.items() if wrong == ["section: 0 times, expected 1"]]
        assert missing == [name for name in inventory.ORDER if name != html_page.ABOVE]
    assert found[html_page.ABOVE] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        (
            '(<section id="recordings".*?</section>)(.*?)(<section.*?</section>)',
            [[], ["after groups, .* after corpora"]],
        ),
        ("(<a[^>]*>[^<]*</a>)()(<a[^>]*>[^<]*</a>)(?=</nav>)", [["text <nav.*: 0 times, expected 1"], []]),
    ],
    ids=["sections", "links"],
)
def test_another_order_of_sections_or_of_their_links_is_named(run, pattern, lines):
    changed = re.sub(pattern, r"\3\2\1", run[1], count=1, flags=re.DOTALL)
    found = [one.wrong for one in comparison.compare(run[0], changed, [html_page.ABOVE, "recordings"])]
    assert [len(wrong) for wrong in found] == [len(expected) for expected in lines]
    assert all(re.search(*pair) for pairs in zip(lines, found, strict=True) for pair in zip(*pairs, strict=True))


def test_a_probability_that_is_the_level_of_the_intervals_is_a_number(run):
    (own,) = re.findall('<section id="gallery".*?</section>', run[1], re.DOTALL)
    level = int(re.search(r'style="width:[\d.]+%.*?<span>(\d+) %', own, re.DOTALL)[1]) / 100
    evaluation = run[0].evaluation | {"confidence": level}
    (found,) = comparison.compare(replace(run[0], params=run[0].params | {"evaluation": evaluation}), own, ["gallery"])
    assert found.wrong == []


def test_a_peak_that_is_left_out_of_a_long_line_is_wrong():
    figure = svg_figures.SvgFigure("", axes=([(0, 0), (200, 200)], [(0, 0), (100, 10)]))
    values = [(x, 5.0 if x == 100 else 1.0) for x in range(200)]
    drawn = [values[0], values[99], values[100], values[101], values[-1]]
    assert figure.beside(drawn, values).max() < 1e-6
    assert figure.beside([values[0], values[-1]], values).argmax() == 100


def test_the_ends_of_a_long_line_are_not_left_out():
    values = [(float(x), 1.0) for x in range(200)]
    assert svg_figures.simplified([values[0], values[-1]], values) == (True, [values[0], values[-1]])
    assert svg_figures.simplified([values[5], (210.0, 1.0)], values) == (True, [values[0], values[-1]])


def test_an_unfinished_project_is_named_with_the_next_step(tmp_path, capsys):
    assert script.main(tmp_path) == 2
    assert re.search(r"report\.html.*Run `dvc repro report`", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("cell", "values", "wrong"),
    [
        ("66.7 ± 3.2", [66.7, 3.23], False),
        ("66.7 ± 3.2", [66.7, 3.3], True),
        ("66.7", [66.7, 3.2], True),
        ("−1.0 to +30.3", [-1.03, 30.3], False),
        ("6", [6.505], False),
        ("7", [6.45], True),
        ("–", [np.nan], False),
        ("–", [0.0], True),
        ("< 0.001 to 0.371", [0.0004, 0.371], False),
        ("< 0.901", [0.0004], True),
        ("0.001", [0.002], True),
        ("0.110", [limits.Drawn(0.1, 0.012)], False),
        ("0.113", [limits.Drawn(0.1, 0.012)], True),
        ("1.2e-05", [1.23e-05], False),
        ("1.2e-05", [1.3e-05], True),
    ],
)
def test_a_number_is_compared_to_its_last_decimal(cell, values, wrong):
    assert differs(cell, values) == wrong


@pytest.mark.parametrize("patients", [8, 20])
def test_random_swaps_of_the_page_are_within_the_margin_of_others(patients):
    """With 8 patients, all swaps are counted."""
    frame = cycles(patients)
    sides = [predict(name, frame, seed, skill) for seed, (name, skill) in enumerate({"one": 1.5, "other": 1.2}.items())]
    known, judge = pl.DataFrame(table(sides, frame, CLASSES)), evaluator(frame)
    expected = permutation(*([judge.matrices(side)] for side in sides), resamples=999, seed=0)
    for definition in BOTH:
        p = limits.p_by_patient(known.filter(model="one"), known.filter(model="other"), definition, 999)
        margin = getattr(p, "margin", 1e-9)
        assert abs(p - expected[f"score_{definition}"]) <= margin
        assert margin < 0.15
        assert isinstance(p, limits.Drawn) == (patients > 8)


@pytest.mark.slow  # a page is rendered and computed again: 6 s
@pytest.mark.parametrize("section", [html_page.ABOVE, *(name for name in registry.read() if name != "reading")])
def test_every_number_of_a_section_follows_from_the_predictions_or_another_file(compared, section):
    assert compared[section].wrong == []
    assert compared[section].numbers or section == "provenance"


@pytest.mark.slow
def test_every_kind_of_number_is_on_the_example_page(run):
    sections = html_page.sections(run[1])
    titles = [(name, one.title) for name, section in sections.items() for one in section.tables]
    for section, pattern, _ in section_comparison.KNOWN_TABLES:
        assert [title for name, title in titles if name == section and re.match(pattern, title)], (section, pattern)
    labels = re.findall('aria-label="([^"]*)"', run[1])
    for pattern, function in section_comparison.KNOWN_FIGURES:
        if function is not section_comparison.explained.projection:  # tests/pipeline/test_numbers.py has projections
            assert [one for one in labels if re.fullmatch(pattern, one)], pattern


@pytest.mark.slow
def test_the_twenty_lines_of_the_guide_give_the_numbers_of_the_page(run, root, monkeypatch):
    text = (ROOT / "docs/explanation/reading-the-report.md").read_text(encoding="utf-8")
    (code,) = re.findall("```python\n(.*?)```", text, re.DOTALL)
    assert len([line for line in code.splitlines() if line and "import" not in line]) <= 20
    monkeypatch.chdir(root)
    exec(code, found := {})  # noqa: S102 - code of this project's documents
    known = {f"{one['role']}, mean": one for one in found["mean"].filter(role="student").to_dicts()}
    known |= {one["model"].replace("student/", "student seed "): one for one in found["each"].to_dicts()}
    known = {name.replace("/", " ").replace("ensemble", "ensemble of teachers"): one for name, one in known.items()}
    sections = html_page.sections(run[1])
    rows = sections["results"].tables[0].rows
    shown = {
        re.sub(r"(?<=mean) of 2.*|,.*nothing", "", name).replace("baseline", "teacher"): row for name, *row in rows
    }
    assert known.keys() == {name for name in shown if not name.startswith("always")}
    for name, one in known.items():
        sp, strict, _, se, lenient, _, detected = shown[name]
        scores = [[one[f"score_{key}"], one.get(f"score_{key}_sd", np.nan)] for key in BOTH]
        expected = [[one["sp"]], scores[0], [one["se_strict"]], scores[1], [one["se_lenient"]]]
        cells = zip((sp, strict, se, lenient, detected), expected, strict=True)
        assert [cell for cell, values in cells if differs(cell, values)] == []
    matrix, by_class = sections["classes"].tables
    assert found["confusion"].tolist() == [[int(NUMBER.findall(cell)[-1]) for cell in row[1:]] for row in matrix.rows]
    areas = [row[5] for row in by_class.rows]
    assert not any(differs(cell, [value]) for cell, value in zip(areas, found["areas"], strict=True))


def test_the_script_has_twenty_lines_of_code_and_nothing_here_uses_the_code_that_made_the_page():
    folder = Path(recompute.__file__).parent
    code = (folder / "__main__.py").read_text(encoding="utf-8").partition('"""\n\n')[2]
    assert len([line for line in code.splitlines() if line.strip() and '"""' not in line]) <= 20
    for path in folder.glob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not {"tasks", "models", "lineage", "cli", "flows"} & set(imported), path
