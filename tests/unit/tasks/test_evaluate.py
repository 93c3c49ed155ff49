"""The whole stage on untrained networks."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import torch
from ruamel.yaml import YAML

from models import artifact
from models.decision_rules import DecisionRule, classify
from models.networks.registry import create
from models.training.features import Features
from models.training.settings import ComputeSettings
from tasks import evaluate
from tasks.distillation.soft_labels import combine
from tasks.evaluation.inference import assemble, predict_all, read_cards
from tasks.evaluation.predictions import schema
from tasks.runtime import corpus_facts, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tasks.subsets import assignment
from tests.unit.tasks.evaluation.example import CLASSES, LABEL_SETS, cycles, facts

ROOT = Path(__file__).parents[3]
FRAMES, MELS, THRESHOLD = 60, 128, 0.3
DURATION_S = 0.6  # of clips of as many frames
NETWORKS = {"teachers/a": 1, "teachers/b": 2, "student/1": 3, "student/2": 4}
HISTORY = "epoch,lr,train_loss,val_loss,val_sp,val_se_strict,val_score_strict\n1,0.001,1.4,1.3,50,25,37.5\n"


def network(folder: Path, seed: int, labels: str = "lungsound_4") -> None:
    torch.manual_seed(seed)
    classes = LABEL_SETS[labels]
    card = {"architecture": "mn", "options": {"width": 0.1}, "frontend": "efficientat", "frames": FRAMES, "mels": MELS}
    made = create("mn", frames=FRAMES, mels=MELS, classes=len(classes), options={"width": 0.1}, weights=None)
    card |= {"labels": labels, "classes": list(classes), "weights": "scratch", "parameters": 1, "seed": seed}
    if folder.name == "2":
        rule = DecisionRule(rule="threshold", threshold=THRESHOLD, strict=THRESHOLD, lenient=0.2, temperature=1.5)
        card |= {"decision_rules": {"val": rule.card()}}
    artifact.save(folder, {"val": made.state_dict()}, card | {"selections": {"val": {"epoch": 1}}})
    (folder / "history.csv").write_text(HISTORY)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """Return a project in which all stages before `evaluate` have run, as the current folder."""
    frame = cycles(patients=10).with_columns(
        lungsound_4=pl.col("label"),
        split=pl.when(pl.col("patient_id") < "105").then(pl.lit("train")).otherwise(pl.lit("test")),
        fold=pl.lit(0, pl.Int8),
    )
    (tmp_path / "data/cycles").mkdir(parents=True)
    frame.write_parquet(tmp_path / "data/cycles/cycles.parquet")
    recordings = frame.unique("recording_id").select(
        "corpus", "recording_id", "patient_id", "device", "location", "sex"
    )
    recordings = recordings.with_columns(rms_dbfs=pl.lit(-20.0), sample_rate=pl.lit(4000))
    recordings.with_columns(age=pl.lit(70.0)).write_parquet(tmp_path / "data/cycles/recordings.parquet")
    corpus_facts.write(tmp_path / "data/cycles", facts())
    (tmp_path / "data/external/tested").mkdir(parents=True)
    (tmp_path / "data/external/tested/corpora.json").write_text("{}")
    cache = tmp_path / "data/fbank/efficientat/demo"
    cache.mkdir(parents=True)
    features = np.random.default_rng(0).normal(size=(frame.height, FRAMES, MELS)).astype(np.float16)
    np.save(cache / "features.npy", features)
    index = frame.select("cycle_id", row=pl.int_range(pl.len(), dtype=pl.Int32))
    index.write_parquet(cache / "index.parquet")
    (cache / "statistics.json").write_text(json.dumps({"duration_s": DURATION_S, "frontend": "efficientat"}))
    for name, seed in NETWORKS.items():
        network(tmp_path / "data" / name, seed)
    read = params.read(ROOT / "params.yaml")
    read["teachers"] = dict.fromkeys("ab", read["teachers"]["cnn_s1"])
    few = {"soft_labels": {"k": 2}, "student": {"seeds": [1, 2]}, "evaluation": {"resamples": 50}}
    YAML().dump(params.merge(read, few), tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(project: Path, **values) -> None:
    YAML().dump(params.read(project / "params.yaml") | values, project / "params.yaml")


def outs(folder: Path) -> dict[str, str]:
    paths = [*(folder / "data/evaluation").rglob("*"), *(folder / "reports").rglob("*")]
    return {str(path.relative_to(folder)): sha256(path) for path in paths if path.is_file()}


@pytest.mark.slow  # two evaluations: 4 s
def test_every_model_is_evaluated_on_every_test_cycle_and_equal_inputs_give_equal_bytes(project):
    evaluate.main()
    first = outs(project)
    drawn = ("confusion", "roc", "precision_recall", "training", "ensemble_size", "operating_points", "decision_curve")
    plots = {f"{name}.csv" for name in drawn}
    reports = {"metrics.json", "scores.json"} | {f"plots/{plot}" for plot in plots}
    tables = {f"data/evaluation/{name}.parquet" for name in ("external", "native", "predictions")}
    assert set(first) == tables | {f"reports/{name}" for name in reports}
    found = pq.read_table(project / "data/evaluation/predictions.parquet")
    assert found.schema.equals(schema(CLASSES))
    rows = pl.DataFrame(found)
    assert rows["model"].unique().sort().to_list() == ["ensemble", "student/1", "student/2", "teacher/a", "teacher/b"]
    assert rows.group_by("model").agg(pl.col("cycle_id").n_unique())["cycle_id"].unique().to_list() == [72]
    assert rows["patient_id"].min() == "105"
    for model, part in rows.group_by("model"):
        probabilities = part.select(f"p_{name}" for name in CLASSES).to_numpy()
        wanted = classify(probabilities, THRESHOLD if model[0] == "student/2" else None)
        assert (part["predicted"].to_numpy() == wanted).all(), model
        assert (wanted == probabilities.argmax(axis=1)).all() == (model[0] != "student/2"), "the rule counts"
    metrics = json.loads((project / "reports/metrics.json").read_text())
    counts = {"normal": 27, "crackle": 15, "wheeze": 15, "both": 15}
    assert metrics["test"] == {"cycles": 72, "patients": 6, "recordings": 6, "per_class": counts}
    evaluate.main()
    assert outs(project) == first


@pytest.mark.parametrize(
    ("labels", "split"),
    [
        pytest.param("lungsound_2", "official-disjoint", marks=pytest.mark.slow),
        pytest.param("diagnosis_3", "official", marks=pytest.mark.long),  # 2 s each
        pytest.param("diagnosis_2", "0", marks=pytest.mark.long),
        pytest.param("lungsound_4", "3", marks=pytest.mark.slow),
    ],
)
def test_every_label_set_and_split_is_evaluated_by_its_own_classes(project, labels, split):
    names = LABEL_SETS[labels]
    frame = pl.read_parquet(project / "data/cycles/cycles.parquet")
    person = pl.col("patient_id").cast(pl.Int32) - 101
    frame = frame.with_columns(
        lungsound_2=(pl.col("label") > 0).cast(pl.Int8),
        diagnosis_3=(person % 3).cast(pl.Int8),
        diagnosis_2=(person % 3 > 0).cast(pl.Int8),
        fold=(person % 5).cast(pl.Int8),
    )
    frame.write_parquet(project / "data/cycles/cycles.parquet")
    for name, seed in NETWORKS.items():
        network(project / "data" / name, seed, labels)
    change(project, labels=labels, split=split)
    evaluate.main()
    metrics = json.loads((project / "reports/metrics.json").read_text())
    tested = frame.filter(pl.col("fold") == int(split) if split.isdigit() else pl.col("split") == "test")
    assert (metrics["labels"], metrics["split"]) == (labels, split)
    assert metrics["test"]["cycles"] == tested.height
    counted = dict(tested[labels].value_counts().iter_rows())
    assert metrics["test"]["per_class"] == {name: counted.get(index, 0) for index, name in enumerate(names)}
    student = metrics["student"]["val"]
    assert np.shape(student["confusion"]) == (len(names), len(names))
    if len(names) == 2:
        assert student["se_strict"] == student["se_lenient"], "with one abnormal class both definitions are equal"


def test_the_ensemble_is_the_softmax_of_the_mean_logits_of_its_members():
    logits = {"teacher/a": np.array([[4.0, 0.0]], np.float32), "teacher/b": np.array([[-2.0, 0.0]], np.float32)}
    logits["teacher/c"] = np.array([[-9.0, 0.0]], np.float32)
    rules = {(name, "val"): DecisionRule() for name in [*logits, "ensemble"]}
    parts = {part.model: part for part in assemble({"val": logits}, ["teacher/a", "teacher/b"], rules)}
    assert parts["ensemble"].probabilities[0, 0, 0] == pytest.approx(1 / (1 + np.exp(-1)))
    assert "ensemble" not in {part.model for part in assemble({"val": logits}, [], rules)}


def test_shifted_clips_give_the_mean_of_their_probabilities(project):
    folders = {"student/1": project / "data/student/1"}
    options = {"size": "tiny", "depth": 1, "stride": 16}
    made = create("ast", frames=FRAMES, mels=MELS, classes=4, options=options, weights=None)
    torch.manual_seed(0)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    card = {"architecture": "ast", "options": options, "frontend": "efficientat", "frames": FRAMES, "mels": MELS}
    artifact.save(folders["student/1"], {"val": made.state_dict()}, card | {"labels": "", "classes": list(CLASSES)})
    read = params.read(project / "params.yaml")
    ids = assignment.from_params(read).cycles("test")[:5]
    compute = ComputeSettings(device="cpu", precision="fp32", threads=1)
    options = {"selections": ["val"], "compute": compute, "features_root": project / "data/fbank"}
    plain, shifted = (predict_all(folders, ids, [], **options, shifts=n)["val"]["student/1"] for n in (1, 3))
    network, _ = artifact.load(folders["student/1"], "val")
    cache = Features(project / "data/fbank/efficientat")
    clips = cache.batch(cache.find(ids), torch.device("cpu"))
    turned = [torch.cat([clips[:, -by:], clips[:, :-by]], dim=1) if by else clips for by in (0, 20, 40)]
    with torch.no_grad():
        wanted = torch.stack([network(one).softmax(1) for one in turned]).mean(0).numpy()
    np.testing.assert_allclose(combine([shifted]), wanted, atol=1e-5)
    assert np.abs(combine([plain]) - wanted).max() > 1e-3


def test_a_missing_model_and_a_model_of_other_labels_are_named(tmp_path):
    with pytest.raises(BreathlineError, match=r"model\.json: the file is missing[\s\S]*7/model\.json"):
        read_cards({"student/7": tmp_path / "7"}, "lungsound_4")
    network(tmp_path / "8", 8)
    with pytest.raises(BreathlineError, match="student/8 was trained on lungsound_4, not on lungsound_2"):
        read_cards({"student/8": tmp_path / "8"}, "lungsound_2")


def test_a_selection_that_was_not_trained_stops_the_stage(project, capsys):
    change(project, selections=["val", "paper"])
    with pytest.raises(SystemExit):
        evaluate.main()
    assert "no model of the selection paper" in " ".join(capsys.readouterr().err.split())


def test_a_teacher_that_params_yaml_does_not_know_stops_the_stage(project, capsys):
    network(project / "data/teachers/old", 9)
    with pytest.raises(SystemExit) as stopped:
        evaluate.main()
    assert stopped.value.code == 1
    assert "old" in capsys.readouterr().err
    assert outs(project) == {}
