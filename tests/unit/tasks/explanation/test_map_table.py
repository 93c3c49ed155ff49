"""Maps of a model on disk: chosen cycles, predictions, axes, padding, and the table."""

import json

import numpy as np
import polars as pl
import pytest
import torch

from models import artifact
from models.explanation.maps import methods_for
from models.frontends.axes import axes
from models.frontends.registry import create, sample_rates
from models.heads import Head, Heads
from tasks.explanation import maps, model_maps, representatives
from tasks.explanation.cycle_sample import choose
from tasks.explanation.settings import MapSettings
from tasks.training.trained_networks import load
from tests.unit.models.training.toys import write_cache
from tests.unit.tasks import models_on_disk

CPU = torch.device("cpu")
TWO = Heads(
    {
        "one": Head(labels="lungsound_2", classes=("normal", "abnormal"), shared=(0, 1)),
        "two": Head(labels="own", classes=("normal", "crackle", "stridor"), shared=(0, 1, None)),
    }
)


@pytest.fixture
def cycles(tmp_path):
    labels = np.arange(6) % 4
    ids = write_cache(tmp_path / "fbank/ast/demo", labels, frames=98, mels=128, frontend="ast")
    path = tmp_path / "fbank/ast/demo/statistics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"duration_s": models_on_disk.DURATION_S}))
    corpora, durations = ["one", "two"] * 3, [0.25, 0.5, 1.0, 2.0, 0.7, 1.0]
    return pl.DataFrame({"cycle_id": ids, "corpus": corpora, "patient_id": ["1"] * 6, "duration_s": durations})


def trained(tmp_path, cycles, heads=None):
    folder = models_on_disk.write(tmp_path / "model", heads)
    return load(folder, "val", cycles["cycle_id"].to_list(), [], tmp_path / "fbank")


def test_the_table_of_maps(tmp_path, cycles):
    network = trained(tmp_path, cycles)
    explained = maps.prepare(network, cycles, torch.zeros(128), CPU)
    assert explained.own.sum(1).tolist() == [25, 50, 98, 98, 70, 98]
    drawn = {method: explained.draw(method) for method in methods_for(network.network)}
    classes = network.card["classes"]
    found = maps.table(maps.rows("student/1", cycles["cycle_id"].to_list(), classes, explained, drawn))
    assert found.schema == maps.SCHEMA
    assert found.num_rows == 6 * 3
    first = found.slice(0, 1).to_pylist()[0]
    assert (first["model"], first["method"]) == ("student/1", "attention_rollout")
    assert (first["frames"], first["bands"]) == (10, 16)
    assert len(first["values"]) == 160
    assert first["seconds"][:2] == pytest.approx([0.05, 0.15])
    assert 20 < first["hertz"][0] < first["hertz"][-1] < 8000
    with torch.no_grad():
        predicted = network.network(explained.features).argmax(1).tolist()
    rollouts = found.filter([name == "attention_rollout" for name in found["method"].to_pylist()])
    assert rollouts["target"].to_pylist() == [classes[index] for index in predicted]


def test_a_cycle_is_judged_by_the_head_of_its_corpus(tmp_path, cycles):
    explained = maps.prepare(trained(tmp_path, cycles, TWO), cycles, torch.zeros(128), CPU)
    assert explained.outputs[:2].tolist() == [[True] * 2 + [False] * 3, [False] * 2 + [True] * 3]
    assert ((explained.targets < 2) == torch.tensor([True, False] * 3)).all()


def test_an_untrained_network_has_other_weights_and_leaves_random_numbers_alone(tmp_path, cycles):
    network = trained(tmp_path, cycles)
    before = torch.random.get_rng_state()
    one, same, other = (
        maps.untrained(network.card, seed, network.network, torch.zeros(2, 98, 128)) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    weights = [built.head[2].weight for built in (network.network, one, same, other)]
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[3])
    assert not torch.equal(weights[1], weights[3])
    assert artifact.build(network.card).vit.num_prefix_tokens == 2


def test_an_untrained_network_normalises_as_a_trained_one_does(tmp_path):
    """With the statistics of a new network, BatchNorm would pass on whatever it gets."""
    card = json.loads((convolutional(tmp_path / "mn") / "model.json").read_text())
    features = 3 + 5 * torch.randn(4, 98, 128, generator=torch.Generator().manual_seed(0))
    like, before = artifact.build(card), torch.random.get_rng_state()
    found = maps.untrained(card, 1, like, features)
    assert not any(module.training for module in found.modules())
    layer = next(module for module in found.modules() if isinstance(module, torch.nn.BatchNorm2d))
    seen = []
    layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output.clone()))
    found(features)
    assert seen[0].mean((0, 2, 3)).abs().max() < 1e-3
    assert (seen[0].var((0, 2, 3)) - 1).abs().max() < 0.02
    again = maps.untrained(card, 1, like, features).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in found.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), before)


def convolutional(folder):
    """Write the folder of a small convolutional network of the same front end."""
    card = json.loads((models_on_disk.write(folder) / "model.json").read_text())
    card |= {"architecture": "mn", "options": {"width": 0.1}}
    artifact.save(folder, {"val": artifact.build(card).state_dict()}, card)
    return folder


@pytest.mark.slow
def test_maps_of_two_models_and_their_figures(tmp_path, cycles):
    folders = {
        "student/1": convolutional(tmp_path / "mn"),
        "teacher/a": models_on_disk.write(tmp_path / "ast"),
    }
    tested, shown, training = cycles[:3], cycles[3:4], cycles["cycle_id"].to_list()[4:]
    given = model_maps.Cycles(tested=tested, shown=shown, training=training, sources=[])
    settings = MapSettings(cycles=3, methods=["attention_rollout", "layer_cam"], steps=2)
    place = {"features_root": tmp_path / "fbank", "device": CPU}
    table, figures = model_maps.compute(folders, given, settings, confidence=0.95, seed=0, **place)
    rows = pl.DataFrame(table).select("model", "cycle_id", "method")
    assert rows.rows() == sorted(rows.rows())
    by_model = {name: part for (name,), part in rows.group_by("model")}
    assert by_model["student/1"].height == 3 + 1
    assert shown["cycle_id"][0] in by_model["student/1"]["cycle_id"]
    assert set(by_model["teacher/a"]["method"]) == {"attention_rollout"}
    assert by_model["teacher/a"].height == 3
    assert set(figures["student/1"]["methods"]) == {"layer_cam"}
    assert figures["student/1"]["orders"]["energy"]["deletion"]["area"]["patients"] == 1
    again = model_maps.compute(folders, given, settings, confidence=0.95, seed=0, **place)
    assert again[0].equals(table)
    assert again[1] == figures


@pytest.mark.parametrize("pad", ["repeat", "zero"])
@pytest.mark.parametrize("name", sorted(set(sample_rates()) - {"clap"}))
def test_every_frame_of_a_cycle_that_fills_its_clip_is_its_own(name, pad):
    found, clips = axes(create(name, 2.0)), {"duration_s": 2.0, "pad": pad}
    assert maps.own_frames(found, clips, 2.0).all()
    assert maps.own_frames(found, clips, 3.0).all()
    half = maps.own_frames(found, clips, 1.0)
    assert half.sum() == pytest.approx(len(half) / 2, abs=1)
    assert bool(half[0]) == (pad == "repeat")


@pytest.mark.parametrize(("duration_s", "own"), [(10.0, 1001), (8.0, 801)])
def test_the_silence_that_clap_adds_to_a_clip_is_not_of_the_cycle(duration_s, own):
    found = axes(create("clap", duration_s))
    mask = maps.own_frames(found, {"duration_s": duration_s, "pad": "repeat"}, duration_s)
    assert mask.sum() == own
    assert mask[:own].all()


def card(architecture, **options):
    return {"architecture": architecture, "options": options, "frontend": "ast"}


def test_one_model_of_each_network_is_explained():

    cards = {"teacher/a": card("ast"), "teacher/b": card("mn", width=0.4), "teacher/c": card("mn", width=0.1)}
    cards |= {
        "teacher/d": card("mn", width=0.1),
        "student/1": card("mn", width=0.1),
        "student/2": card("mn", width=0.1),
    }
    assert representatives.of_each_network(cards) == ["student/1", "teacher/a", "teacher/b"]
    assert representatives.like_students(cards, []) == ["student/1", "student/2", "teacher/c"]
    assert representatives.like_students(cards, ["teacher/a", "teacher/d"]) == ["student/1", "student/2", "teacher/d"]


@pytest.mark.parametrize("seeds", [[2, 10], [10, 2], [3, 2]])
def test_the_first_student_has_the_smallest_seed(seeds):
    """The order of params.yaml is ignored, and so is that of texts, in which 10 comes before 2."""
    cards = {f"student/{seed}": card("mn", width=0.1) for seed in seeds}
    assert representatives.first_student(cards) == "student/2"
    assert representatives.of_each_network(cards) == ["student/2"]


def test_cycles_are_chosen_over_classes_and_patients():
    cycles = [f"{patient}_{index}" for patient in "abcd" for index in range(6)]
    labels = {cycle: int(cycle[-1]) % 3 for cycle in cycles}
    patients = {cycle: cycle[0] for cycle in cycles}
    chosen = choose(cycles, labels, patients, count=6, seed=0)
    assert chosen == sorted(set(chosen))
    assert sorted(labels[cycle] for cycle in chosen) == [0, 0, 1, 1, 2, 2]
    assert {patients[cycle] for cycle in chosen} == set("abcd")
    assert choose(cycles, labels, patients, count=6, seed=0) == chosen
    assert choose(cycles, labels, patients, count=6, seed=1) != chosen
    assert choose(cycles, labels, patients, count=100, seed=0) == cycles
