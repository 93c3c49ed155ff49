"""Decision rules of a network with a head for each corpus: shared classes, and the own classes of each head."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from models.decision_rules import DecisionRule
from models.heads import Head, Heads
from models.training.decision_fitting import fit, fit_temperature
from models.training.selection import LabelledCycles, TrainingData
from models.training.settings import ComputeSettings, DecisionSettings
from tasks.subsets.assignment import Assignment
from tasks.training import decision_rules

HEADS = Heads(
    {
        "a": Head(labels="shared", classes=("normal", "abnormal"), shared=(0, 1)),
        "b": Head(labels="sounds", classes=("normal", "poor", "crackle"), shared=(0, None, 1)),
    }
)
CYCLES = 60
SETTINGS = DecisionSettings(rule="threshold")


@pytest.fixture
def assignment():
    cycles = [f"{'ab'[index % 2]}{index:02}" for index in range(CYCLES)]
    generator = np.random.default_rng(5)
    targets = {name: int(generator.integers(0, 2) if name[0] == "a" else generator.integers(2, 5)) for name in cycles}
    return Assignment(
        labels="shared",
        classes=("normal", "abnormal"),
        subsets=dict.fromkeys(sorted(cycles), "val"),
        targets=targets,
        patients={name: str(int(name[1:]) % 7) for name in cycles},
        recordings={name: name for name in cycles},
        corpora={name: name[0] for name in cycles},
        devices=dict.fromkeys(cycles, "x"),
        heads=HEADS,
    )


def test_shared_classes_and_each_head_have_a_rule_of_their_own(monkeypatch, assignment):
    cycles = assignment.cycles("val")
    labels = np.array([assignment.targets[cycle] for cycle in cycles])
    logits = np.random.default_rng(1).normal(0, 2, (CYCLES, 5)).astype(np.float32)
    monkeypatch.setattr(decision_rules, "predict", lambda *_, **__: logits)
    part = LabelledCycles(rows=np.arange(CYCLES), labels=labels)
    data = TrainingData(features=None, train=part, selections={"val": part}, classes=5, heads=HEADS.sizes)
    loaded = []
    card = decision_rules.card_entries(
        SimpleNamespace(load_state_dict=loaded.append),
        {"val": {"w": torch.zeros(1)}, "paper": {"w": torch.ones(1)}},
        data,
        assignment,
        settings=SETTINGS,
        compute=ComputeSettings(device="cpu", precision="fp32", threads=1),
    )
    assert [float(state["w"]) for state in loaded] == [0, 1]
    assert set(card["decision_rules"]) == {"val", "paper"}
    patients = np.array([int(assignment.patients[cycle]) for cycle in cycles])
    b = labels >= 2
    for corpus, own, columns in (("a", ~b, slice(0, 2)), ("b", b, slice(2, 5))):
        rule = DecisionRule.from_card(card, "val", corpus)
        given, truth = logits[own, columns], labels[own] - columns.start
        assert rule.threshold == fit(given, truth, patients[own], SETTINGS)[0].threshold, corpus
        assert rule.temperature == fit_temperature(given, truth)
        assert card["heads"][corpus]["classes"] == HEADS.by_corpus[corpus].classes
    known = labels != 3  # `poor` of the head b has no shared class
    truth = np.array([0, 1, 0, -1, 1])[labels]
    given = HEADS.shared(logits, [cycle[0] for cycle in cycles], 2)
    rule = DecisionRule.from_card(card, "val")
    assert rule.threshold == fit(given[known], truth[known], patients[known], SETTINGS)[0].threshold
    assert len({DecisionRule.from_card(card, "val", corpus) for corpus in (None, "a", "b")}) == 3
