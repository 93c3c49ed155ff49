"""Normalisation of trainings and of trained models: which cycles count, and equal features in each use."""

import numpy as np
import pytest
import torch

from models import artifact
from models.training.features import Features
from models.training.normalization import Normalization
from models.training.settings import ComputeSettings
from tasks import train_teacher
from tasks.distillation.labelling import predict_logits
from tasks.evaluation.inference import predict_all
from tasks.runtime import params
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.training.preparation import domains
from tests.unit.tasks.trainings import change

COMPUTE = ComputeSettings(device="cpu", precision="fp32", threads=1)


def test_a_recording_counts_with_its_cycles_without_a_label_but_not_with_those_of_another_subset():
    recordings = {"a0": "a", "a1": "a", "a2": "a", "b0": "b", "c0": "c", "c1": "c"}
    subsets = {"a0": "train", "a1": "test", "b0": "val", "c0": "train"}  # a2 and c1 have no label
    given = Assignment(
        labels="lungsound_4",
        classes=("normal", "abnormal"),
        subsets=subsets,
        targets=dict.fromkeys(subsets, 0),
        patients=dict.fromkeys(subsets, "101"),
        recordings=recordings,
        corpora=dict.fromkeys("abc", "demo"),
        devices={"a": "demo/x", "b": "demo/x", "c": "demo/None"},
    )
    train, test = given.sources("train", "test")
    assert (train.cycles, train.recordings) == (["a0", "a2", "c0", "c1"], ["a", "a", "c", "c"])
    assert train.devices == ["demo/x", "demo/x", "demo/None", "demo/None"]
    assert test.cycles == ["a1", "a2"]


def test_a_balanced_sampler_knows_the_device_and_corpus_of_each_training_cycle(project):
    given = assignment.from_params(params.read())
    found = domains(given, "device_balanced")
    devices = [given.devices[given.recordings[cycle]] for cycle in given.cycles("train")]
    assert [sorted(set(devices))[index] for index in found] == devices
    assert sorted(set(devices)) == ["demo/Litt3200", "demo/Meditron"]
    assert set(domains(given, "corpus_balanced")) == {0}
    assert domains(given, "weighted") is None


@pytest.mark.parametrize("kind", [{"level": "recording"}, {"spectrum": "device_of_the_data"}], ids=str)
def test_a_trained_model_is_used_with_the_normalisation_of_its_training(project, kind):
    change(project, {"teacher_training": {"normalization": kind, "sampler": "device_balanced"}})
    train_teacher.main("ast")
    given = assignment.from_params(params.read())
    network, card = artifact.load(project / "data" / "teachers" / "ast", "val")
    cache = Features(project / "data" / "fbank" / "narrow")
    normalization = Normalization.from_card(card)
    assert normalization is not None
    np.testing.assert_allclose(normalization.mean, cache.means(cache.find(given.cycles("train"))).mean(0))

    def logits(subset: str) -> np.ndarray:
        """Return logits of features that are normalised here, cycle by cycle."""
        cycles = given.cycles(subset)
        rows, recordings = cache.find(cycles), [given.recordings[cycle] for cycle in cycles]
        groups = recordings if "level" in kind else [given.devices[name] for name in recordings]
        stored = cache.batch(rows, torch.device("cpu")).double().numpy()
        features, axes = stored.copy(), (0, 1, 2) if "level" in kind else (0, 1)
        wanted = normalization.mean.mean() if "level" in kind else normalization.mean
        for row, name in enumerate(groups):
            features[row] += wanted - stored[[group == name for group in groups]].mean(axes)
        with torch.no_grad():
            return network(torch.from_numpy(features).float()).numpy()

    folders = {"teacher/ast": project / "data" / "teachers" / "ast"}
    tests = given.cycles("test")
    options = {"selections": ["val"], "compute": COMPUTE, "features_root": project / "data" / "fbank"}
    found = predict_all(folders, tests, given.sources("test"), **options)["val"]["teacher/ast"]
    np.testing.assert_allclose(found, logits("test"), atol=1e-4)
    some = predict_all(folders, tests[3:5], given.sources("test"), **options)["val"]["teacher/ast"]
    np.testing.assert_allclose(some, found[3:5], atol=1e-5)
    labelled = predict_logits(
        ["ast"], given, folder=project / "data" / "teachers", caches=project / "data" / "fbank", compute=COMPUTE
    )["ast"]
    places = [given.cycles("train", "val").index(cycle) for cycle in given.cycles("val")]
    np.testing.assert_allclose(labelled[places], logits("val"), atol=1e-4)
