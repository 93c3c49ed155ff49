"""Recipes in miniature, from `breathline recipe use X --small --corpus …` to its scores."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli import recipe
from flows.recipes import layers
from tasks import artifacts
from tasks.evaluation import by_corpus, model_rules, native
from tasks.evaluation.settings import EvaluationSettings
from tasks.runtime import corpus_facts
from tasks.runtime.params import parse
from tasks.subsets import assignment
from tasks.training import teachers
from tests import toy
from tests.pipeline import in_process, runs
from tests.recompute import __main__ as recompute
from tests.unit.tasks.corpora.sprsound import generated

# In one process, 2 to 15 s each; through DVC, 15 to 60 s on one core.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
RECIPES = layers.names(ROOT / "recipes")
# They differ in objective, networks or choice of teachers; `make test-long` runs all recipes through DVC.
TYPICAL = ["sam_ast", "kd_ensemble", "patchmix_cl", "patchmix_ce_time"]
# Recipes of two corpora: those learned from, and those only tested on.
SCHEMES = {
    "joint_heads": (["icbhi", "sprsound"], []),
    "joint": (["icbhi", "sprsound"], []),
    "icbhi_to_sprsound": (["icbhi"], ["sprsound"]),
    "sprsound_to_icbhi": (["sprsound"], ["icbhi"]),
}
REAL = ["patchmix_cl", "kd_ensemble", "sam_ast"]  # one of each work; `breathline leaderboard --small` runs all


@pytest.fixture(scope="module")
def memo() -> dict[str, Path]:
    """Return where stages ran that recipes have in common."""
    return {}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Return the folder of a DVC cache that all recipes share."""
    return tmp_path_factory.mktemp("recipes-cache")


@pytest.fixture(scope="module")
def real(real_icbhi, tmp_path_factory) -> Path:
    """Return the real recordings as a user has them: wavs, annotations and metadata files."""
    folder = tmp_path_factory.mktemp("real") / "icbhi"
    subprocess.run([sys.executable, real_icbhi / "unpack.py", folder], check=True)
    return folder


@pytest.fixture
def bare(tmp_path_factory, monkeypatch) -> Path:
    """Return a folder with parameters and recipes alone, as the working directory; it stays for `memo`."""
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (folder / "recipes").symlink_to(ROOT / "recipes")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def sprsound(tmp_path_factory) -> Path:
    """Return generated recordings in SPRSound's format, with a test part."""
    return generated.lay_out(tmp_path_factory.mktemp("sprsound"), generated.recordings(12, ("train", "inter")))


def options(name: str, sprsound: Path) -> dict[str, list[str]]:
    """Return generated recordings as the options of a recipe, in the format of each corpus that it names."""
    sources = {"icbhi": "icbhi=demo", "sprsound": str(sprsound)}
    learned, tested = SCHEMES.get(name, ([], []))
    return {"corpus": [sources[one] for one in learned] or ["demo"], "external": [sources[one] for one in tested]}


def miniature(params: dict) -> None:
    for section in ("corpora", "external"):
        for item in params[section].values():
            if item["format"] == "demo":
                item["demo"] = {"seed": 2017, "patients": 8}
    params["evaluation"]["resamples"] = 50


def short(params: dict) -> None:
    """Take clips of one second."""
    miniature(params)
    for frontend in params["frontends"].values():
        frontend["duration_s"] = 1.0


def run(name: str, corpora: dict[str, list[str]], bare: Path, memo: dict[str, Path], *, last: str = "report") -> dict:
    """Run a recipe's miniature in this process up to a stage, with short clips, and return its metrics."""
    recipe.use(name, **corpora, small=True)
    runs.edit(bare, short)
    in_process.repro(bare, memo, last=last)
    return results(bare)


def run_through_dvc(name: str, corpora: dict[str, list[str]], folder: Path, cache: Path, *targets: str) -> dict:
    """Run a recipe's miniature as a user does, in a copy of the project, up to targets; return its metrics."""
    toy.checkout(ROOT, folder)
    for key, value in (("cache.dir", str(cache)), ("cache.type", "reflink,hardlink,copy")):
        toy.call(folder, "dvc", "config", "--local", key, value)
    given = [part for option, sources in corpora.items() for source in sources for part in (f"--{option}", source)]
    toy.call(folder, "breathline", "recipe", "use", name, "--small", *given)
    runs.edit(folder, miniature)
    runs.repro(folder, *targets)
    assert targets or recompute.main(folder) == 0  # every number of the page
    return results(folder)


def results(folder: Path) -> dict:
    """Return the metrics of a run, having compared them with its parameters."""
    params, metrics = runs.parameters(folder), json.loads((folder / "reports" / "metrics.json").read_text())
    assert metrics["selections"] == params["selections"]
    for selection in params["selections"]:
        assert 0 <= metrics["student"][selection]["score_strict"]["mean"] <= 100
    assert set(metrics["teachers"]) == set(params["teachers"])
    with (folder / "data" / "student" / "1" / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2
    return metrics


def native_figures(folder: Path) -> dict:
    """Return the figures in the own classes of each corpus, recomputed from their predictions."""
    params, rows = runs.parameters(folder), pq.read_table(folder / artifacts.NATIVE_PREDICTIONS)
    assigned, facts = assignment.from_params(params), corpus_facts.read()
    labelling = json.loads((folder / artifacts.METRICS).read_text())["labelling"]
    ensemble = [f"teacher/{name}" for name in labelling]
    models = {f"student/{seed}": folder / artifacts.STUDENTS / str(seed) for seed in params["student"]["seeds"]}
    models |= {f"teacher/{name}": folder / artifacts.TEACHERS / name for name in params["teachers"]}
    tested = {
        name: one.with_predictions(
            native.read_predictions(rows, name, model_rules.read(models, ensemble, params["selections"], name))
        )
        for name, one in native.tested(assigned, facts, params["split"], root=folder).items()
    }
    settings = parse(EvaluationSettings, params["evaluation"], "evaluation")
    baselines = teachers.baselines(teachers.read(params))
    return json.loads(json.dumps(by_corpus.of_tested(tested, settings, ensemble, baselines)))


@pytest.mark.parametrize("name", TYPICAL)
def test_a_recipe_runs_to_its_scores(name, bare, memo):
    assert run(name, {"corpus": ["demo"]}, bare, memo, last="evaluate")["corpus"] == "demo"


@pytest.mark.parametrize(
    "name", ["joint_heads", *(pytest.param(name, marks=pytest.mark.long) for name in SCHEMES if name != "joint_heads")]
)
def test_a_scheme_of_comparison_runs_to_the_scores_of_each_corpus(name, bare, memo, sprsound):
    learned, tested = SCHEMES[name]
    metrics = run(name, options(name, sprsound), bare, memo, last="evaluate")
    assert list(runs.parameters(bare)["corpora"]) == learned
    assert list(metrics["corpora"]) == (learned if len(learned) > 1 else [])
    assert list(metrics["external"]) == tested
    for found in (metrics["corpora"] | metrics["external"]).values():
        assert found["test"]["cycles"] > 0
    heads = runs.parameters(bare)["heads"]
    assert {corpus: found["labels"] for corpus, found in metrics.get("native", {}).items()} == heads
    for corpus in heads:  # a cycle without a shared label has one of its corpus
        assert metrics["native"][corpus]["test"]["cycles"] >= metrics["corpora"][corpus]["test"]["cycles"]
    assert native_figures(bare) == metrics.get("native", {})


@pytest.mark.long  # the finished run of `make test` is made by DVC
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_runs_through_dvc(name, cache, tmp_path, sprsound):
    assert run_through_dvc(name, options(name, sprsound), tmp_path / "project", cache)["corpora"] is not None


def check_real(metrics: dict) -> None:
    assert (metrics["corpus"], metrics["recordings"]) == ("icbhi-part", 165)
    assert metrics["test"]["cycles"] == 456


@pytest.mark.real
def test_real_recordings_become_features(real, bare, memo):
    """All stages run on some real recordings in test_equal_predictions.py, and on all in the exhaustive tests."""
    recipe.use("mn_plain", corpus=[str(real)], small=True)
    runs.edit(bare, short)
    in_process.repro(bare, memo, last="pool")
    cycles = pq.read_table(bare / artifacts.CYCLES, columns=["recording_id"])
    assert len(set(cycles["recording_id"].to_pylist())) == 165


@pytest.mark.real
@pytest.mark.long
@pytest.mark.parametrize("name", ["mn_kd", *REAL])
def test_recipes_run_through_dvc_on_real_recordings(name, real, cache, tmp_path):
    check_real(run_through_dvc(name, {"corpus": [str(real)]}, tmp_path / "project", cache))
