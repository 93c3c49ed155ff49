"""The module from waveforms to decisions equals the pipeline: clip, features, logits, softmax and decision rule."""

import numpy as np
import pytest
import torch

from models import artifact
from models.decision_rules import DecisionRule
from models.export.assembly import assemble, exportable, load, read_state
from models.export.clips import clips
from models.export.energies import MatrixEnergies
from models.export.waveform_network import NOVELTY
from models.frontends import registry
from models.frontends.module_front_end import ModuleFrontEnd
from models.training.normalization import frame_means
from tasks.distillation.soft_labels import combine
from tasks.features.arrays import compute
from tests.unit.models.export import cards
from tests.unit.models.export.cards import CLASSES, HEADS, TINY
from tests.unit.models.export.linear_network import waveform_network

LENGTHS = (1, 5, 4_000, 15_999, 16_000, 16_001, 40_000, 48_000, 60_000)


def waveforms(lengths):
    generator = torch.Generator().manual_seed(7)
    return [0.1 * torch.randn(length, generator=generator) for length in lengths]


def stacked(cycles):
    lengths = torch.tensor([len(cycle) for cycle in cycles])
    batch = torch.full((len(cycles), int(lengths.max())), 9.0)  # what follows a cycle must not be read
    for row, cycle in zip(batch, cycles, strict=True):
        row[: len(cycle)] = cycle
    return batch, lengths


@pytest.mark.parametrize("pad", ["repeat", "zero"])
@pytest.mark.parametrize("fade", [True, False])
def test_clips_of_a_batch_are_those_of_each_cycle(pad, fade):
    front_end = registry.create("ast", 1.0, pad=pad, fade=fade)
    cycles = waveforms(LENGTHS)
    expected = torch.stack([front_end.clip(cycle) for cycle in cycles])
    assert torch.equal(clips(front_end, *stacked(cycles)), expected)


@pytest.mark.parametrize("frontend", registry.sample_rates())
def test_energies_by_matrix_products_are_those_of_the_fourier_transform(frontend):
    energies = next(one for one in registry.create(frontend, 0.5).modules() if type(one).__name__ == "MelEnergies")
    signals = 0.1 * torch.randn(2, 30_000, generator=torch.Generator().manual_seed(1), dtype=energies.window.dtype)
    expected, found = energies(signals), MatrixEnergies(energies)(signals)
    assert found.shape == expected.shape
    # 1e-4 of an energy is 1e-5 of a feature; float16 keeps 5e-4
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-9)


def pipeline(one, cycles, offsets):
    """Return what `fbank`, `evaluate` and `explain` compute for cycles: probabilities, classes, embeddings, means."""
    stored, _ = compute(ModuleFrontEnd(one.front_end), [cycle.numpy() for cycle in cycles])
    features = torch.from_numpy(stored).float()
    if offsets is not None:
        features += offsets[:, None, :]
    with torch.inference_mode():
        logits, embeddings = one.network(features).numpy(), one.network.embed(features).numpy()
    if one.shared is not None:
        logits = HEADS.shared(logits, None, len(CLASSES))
    probabilities = combine([logits])
    classes = DecisionRule(threshold=one.threshold).predict(probabilities)
    return probabilities, classes, embeddings, frame_means(stored)


@pytest.mark.parametrize("frontend", registry.sample_rates())
def test_outputs_are_those_of_the_pipeline(frontend):
    one = waveform_network(frontend)
    cycles = waveforms([one.front_end.samples // 3, one.front_end.samples, 2 * one.front_end.samples, 7])
    offsets = torch.randn(4, one.front_end.mels) if one.normalized else None
    given = (*stacked(cycles), *(() if offsets is None else (offsets,)))
    with torch.inference_mode():
        found = dict(zip(one.output_names, (value.numpy() for value in one(*given)), strict=True))
    probabilities, classes, embeddings, means = pipeline(one, cycles, offsets)
    assert len(set(map(tuple, probabilities))) == len(cycles)  # the network tells the cycles apart
    np.testing.assert_allclose(found["probabilities"], probabilities, atol=1e-6)
    np.testing.assert_array_equal(found["decision"], classes)
    np.testing.assert_allclose(found["embedding"], embeddings, atol=1e-5, rtol=1e-5)
    if one.novelty is not None:
        distances = np.linalg.norm(embeddings.astype(np.float64)[:, :5], axis=1)  # its components are unit vectors
        np.testing.assert_allclose(found["distance"], distances, rtol=1e-5)
    assert ("means" in found) == one.normalized
    if one.normalized:
        np.testing.assert_array_equal(found["means"], means)


def test_the_rule_with_a_threshold_compares_in_float64_and_takes_the_first_of_equal_classes():
    card, state = cards.model("ast", *TINY["ast"], threshold=0.3)
    network = assemble(card, state)
    edge = np.float32(0.3)  # above 0.3 in float64
    rows = torch.tensor([[edge, 0.4, 0.2, 0.1], [0.29, 0.2, 0.4, 0.11], [0.2, 0.3, 0.3, 0.2], [0.0, 0.0, 0.0, 1.0]])
    expected = DecisionRule.from_card(card, "val").predict(rows.numpy())
    assert network._decide(rows).tolist() == expected.tolist() == [0, 2, 1, 3]


def test_a_network_without_a_fitted_distance_has_no_such_output():
    card, state = cards.model("ast", *TINY["ast"])
    assert assemble(card, state).output_names == ("probabilities", "decision", "embedding")


def test_a_student_and_its_export_load_from_their_folders(tmp_path):
    card, state = cards.model("ast", *TINY["ast"], novelty=True)
    student = {name: tensor for name, tensor in state.items() if name not in NOVELTY}
    artifact.save(tmp_path, {"val": student}, card)
    network, read = load(tmp_path)
    assert network.novelty is None
    assert read["classes"] == CLASSES
    (tmp_path / "val.safetensors").unlink()
    artifact.save_file(state, tmp_path / "model.safetensors")
    assert read_state(tmp_path).keys() == state.keys()
    assert load(tmp_path)[0].novelty is not None


def test_tensors_of_another_network_are_an_error_that_names_it():
    card, state = cards.model("ast", *TINY["ast"])
    with pytest.raises(ValueError, match="not those of the network ast"):
        assemble(card, {**state, "more": torch.zeros(1)})


@pytest.mark.long  # imports SpeechBrain
def test_a_copy_for_export_leaves_the_network_as_it_is():
    card, state = cards.model("beats", *TINY["beats"])
    network = assemble(card, state)
    cycles = stacked(waveforms([9_000, 16_000]))
    with torch.inference_mode():
        before = network(*cycles)
        copied = exportable(network)(*cycles)
        after = network(*cycles)
    for one, same, close in zip(before, after, copied, strict=True):
        assert torch.equal(one, same)
        torch.testing.assert_close(close, one, atol=1e-4, rtol=1e-4)
