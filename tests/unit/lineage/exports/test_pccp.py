"""Predetermined change control plan; no validator exists, so that its facts are computed again from the files."""

import hashlib
import json
import re

import polars as pl
import pytest

from flows.new_recordings import promotion
from lineage.exports import pccp
from lineage.exports.request import Request
from tasks.runtime.errors import BreathlineError

METRIC, MARGIN = "val.student.score_strict", 0.5


@pytest.fixture(scope="module")
def written(made, tmp_path_factory):
    request = Request(made, tmp_path_factory.mktemp("pccp"), protocol=promotion.protocol(METRIC, MARGIN))
    return pccp.files(request)


@pytest.fixture(scope="module")
def plan(written):
    return json.loads(written["pccp.json"])


def test_the_plan_has_the_parts_of_the_guidance(written, plan):
    assert "December 2024" in plan["guidance"]
    headings = re.findall(r"^## (.*)$", written["pccp.md"], re.MULTILINE)
    parts = ["1. Description of modifications", "2. Modification protocol", "3. Impact assessment", "Traceability"]
    assert headings == [*parts, "Open: to be written by the manufacturer"]
    protocol = written["pccp.md"].partition(parts[1])[2].partition(parts[2])[0]
    asked = ["Data management", "Re-training", "Performance evaluation", "Update procedures"]
    assert re.findall(r"^### (.*)$", protocol, re.MULTILINE) == asked
    for rows in re.findall(r"(?:^\|.*\n)+", written["pccp.md"], re.MULTILINE):
        assert len({line.count("|") for line in rows.splitlines()}) == 1


def test_facts_of_the_plan_follow_from_the_files(plan, made):
    predictions = pl.read_parquet(made.root / "data/evaluation/predictions.parquet")
    tested = predictions.filter(pl.col("model").str.starts_with("student/"), selection="val")
    evaluation = plan["protocol"]["evaluation"]
    assert evaluation["test"]["cycles"] == tested["cycle_id"].n_unique()
    assert evaluation["test"]["patients"] == tested["patient_id"].n_unique()
    # The strict Score of each seed, by its definition, and their mean.
    right = pl.col("label") == pl.col("predicted")
    normal = pl.col("label") == 0
    of_seeds = tested.group_by("model").agg(sp=right.filter(normal).mean() * 100, se=right.filter(~normal).mean() * 100)
    score = ((of_seeds["sp"] + of_seeds["se"]) / 2).mean()
    assert evaluation["value"] == pytest.approx(score, abs=0.01)
    for path, digest in plan["model"]["weights"].items():
        assert hashlib.sha256((made.root / path).read_bytes()).hexdigest() == digest
    recordings = pl.read_parquet(made.root / "data/extracted/icbhi/recordings.parquet")
    (source,) = plan["modifications"][0]["sources"]
    assert (source["recordings"], source["patients"]) == (recordings.height, recordings["patient_id"].n_unique())
    devices = {one["group"]: one["cycles"] for one in plan["impact"]["groups"] if one["column"] == "device"}
    of_cycle = tested.unique("cycle_id").join(recordings.select("recording_id", "device"), on="recording_id")
    assert devices == dict(of_cycle["device"].value_counts().rows())


@pytest.mark.parametrize(("loss", "accepted"), [(0.5, True), (0.51, False)])
def test_the_stated_rule_is_the_rule_that_watch_follows(plan, loss, accepted):
    rule, metrics = plan["protocol"]["evaluation"], {"labels": "lungsound_4", "split": "official"}
    given = {"metrics": metrics, "production_metrics": metrics}
    scores = {rule["metric"]: 60.0 - loss}
    assert promotion.decide(rule["metric"], rule["margin"], scores, {rule["metric"]: 60.0}, **given).promote is accepted
    for key in rule["equal"]:
        other = given | {"production_metrics": metrics | {key: "another"}}
        assert not promotion.decide(rule["metric"], rule["margin"], {rule["metric"]: 99.0}, scores, **other).promote
    generated = given | {"metrics": metrics | {"generated": True}}
    assert not promotion.decide(rule["metric"], rule["margin"], {rule["metric"]: 99.0}, scores, **generated).promote


@pytest.mark.parametrize("metric", ["val.student.colour", "score", "external.hospital.val.student.sp"])
def test_an_unknown_metric_is_named(made, tmp_path, metric):
    with pytest.raises(BreathlineError, match=f"has no figure {metric}"):
        pccp.files(Request(made, tmp_path, protocol=promotion.protocol(metric, 1.0)))
