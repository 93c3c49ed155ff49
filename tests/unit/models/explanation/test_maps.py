"""Maps of a network that depends on one band lie on it; integrated gradients are complete; deletion of the band."""

import pytest
import torch

from models.explanation import cells, deletion
from models.explanation.gradients import completeness_gaps, integrated_gradients
from models.explanation.maps import draw, methods_for
from models.networks.registry import create
from tests.unit.models.explanation.banded import BAND, FRAMES, MELS, Banded, loud
from tests.unit.models.training.toys import Linear, network

ZERO = torch.zeros(MELS)


@pytest.mark.parametrize("method", ["layer_cam", "integrated_gradients"])
def test_maps_of_a_network_that_depends_on_one_band_lie_on_it(method):
    maps = draw(method, Banded().eval(), loud(), torch.zeros(3, dtype=torch.long), ZERO)
    outside = maps.clone()
    outside[:, :, BAND] = 0
    assert (maps[:, :, BAND] > 0).all()
    assert (outside == 0).all()


def test_integrated_gradients_sum_to_the_difference_of_the_logits():
    torch.manual_seed(0)
    tiny, features = network().eval(), torch.randn(4, 20, 16)
    baseline, targets = torch.full((16,), -0.5), torch.tensor([0, 1, 2, 3])
    found = integrated_gradients(tiny, features, targets, baseline, steps=200)
    difference = tiny(features) - tiny(baseline.expand(4, 20, 16))
    torch.testing.assert_close(found.sum((1, 2)), difference[range(4), targets], rtol=0.02, atol=0.01)


def test_the_default_number_of_points_leaves_a_small_gap():
    torch.manual_seed(0)
    tiny, features = network().eval(), torch.randn(16, 20, 16)
    baseline, targets = torch.full((16,), -0.5), torch.arange(16) % 4
    gaps = [
        completeness_gaps(tiny, found, features, targets, baseline)
        for found in (
            integrated_gradients(tiny, features, targets, baseline),
            integrated_gradients(tiny, features, targets, baseline, steps=1),
        )
    ]
    assert gaps[0].shape == (16,)
    assert gaps[0].median() < 0.05
    assert gaps[0].median() < 0.5 * gaps[1].median()


def test_integrated_gradients_of_a_linear_network_are_its_weights_times_the_features():
    linear, features = Linear(12, 3), torch.randn(2, 3, 4)
    found = integrated_gradients(linear, features, torch.tensor([2, 0]), torch.ones(4), steps=1)
    weights = linear.head.weight[[2, 0]].reshape(2, 3, 4)
    torch.testing.assert_close(found, weights * (features - 1))


@pytest.mark.parametrize(
    ("architecture", "options", "frames", "mels", "expected"),
    [
        ("timm/test_resnet", {}, 80, 64, ["layer_cam", "integrated_gradients"]),
        ("timm/test_vit", {}, 48, 32, ["integrated_gradients"]),
        ("timm/test_mambaout", {}, 80, 64, ["integrated_gradients"]),  # channels are the last axis
        ("mn", {"width": 0.1}, 80, 64, ["layer_cam", "integrated_gradients"]),
        ("cnn6", {}, 24, 16, ["layer_cam", "integrated_gradients"]),
        (
            "ast",
            {"size": "tiny", "depth": 1, "stride": 16},
            48,
            32,
            ["gradient_attention", "attention_rollout", "integrated_gradients"],
        ),
    ],
)
def test_networks_have_maps_of_the_size_of_their_features(architecture, options, frames, mels, expected):
    torch.manual_seed(0)
    built = create(architecture, frames=frames, mels=mels, classes=4, options=options, weights=None).eval()
    assert methods_for(built) == expected
    for method in expected:
        features = torch.randn(2, frames, mels)
        maps = draw(method, built, features, torch.tensor([1, 2]), torch.zeros(mels))
        assert maps.shape == features.shape
        assert maps.isfinite().all()
        assert not maps.requires_grad


def test_layer_cam_has_the_axes_of_the_features():
    """A single loud frame in the middle, or a single loud mel bin, gives a map that is large there."""
    torch.manual_seed(0)
    for architecture in ("timm/test_resnet", "cnn6"):
        built = create(architecture, frames=128, mels=64, classes=2, options={}, weights=None).eval()
        features = torch.zeros(1, 128, 64)
        features[:, 96:112] = 5.0
        maps = sum(draw("layer_cam", built, features, torch.tensor([target]), torch.zeros(64)) for target in (0, 1))
        assert maps[0].var(0).sum() > 2 * maps[0].var(1).sum(), architecture


def test_the_deletion_of_the_band_alone_decides():
    """The output falls to that of silence when the band is deleted, and stays when any other band is."""
    banded, features = Banded().eval(), 4 * loud()
    targets, outputs = torch.zeros(3, dtype=torch.long), torch.ones(3, 2, dtype=torch.bool)
    maps = cells.mean(draw("layer_cam", banded, features, targets, ZERO))
    columns = MELS // cells.MELS  # the band is one column of cells
    ranks = cells.ranks(maps)
    good = deletion.curves(banded, features, targets, outputs, ranks=ranks, baseline=ZERO, steps=columns)
    last = ranks.max() - ranks
    bad = deletion.curves(banded, features, targets, outputs, ranks=last, baseline=ZERO, steps=columns)
    assert (good.deletion[:, 0] > 0.99).all()
    assert (good.deletion[:, 1:] == 0.5).all()
    assert (good.insertion[:, 1:] > 0.99).all()
    assert (bad.deletion[:, :-1] > 0.99).all()
    assert (bad.deletion[:, -1] == 0.5).all()
    assert (bad.insertion[:, :-1] == 0.5).all()
    # Areas: 1 for the first quarter's mean of 1 and 0.5, 0.5 afterwards; and the reverse.
    torch.testing.assert_close(deletion.area(good.deletion), torch.full((3,), 0.5625), atol=0.01, rtol=0)
    torch.testing.assert_close(deletion.area(bad.deletion), torch.full((3,), 0.9375), atol=0.01, rtol=0)


def test_the_inputs_of_one_step_are_in_memory_at_a_time():
    banded, features, sizes = Banded().eval(), loud(), []
    banded.register_forward_pre_hook(lambda _network, inputs: sizes.append(inputs[0].untyped_storage().nbytes()))
    targets, outputs = torch.zeros(3, dtype=torch.long), torch.ones(3, 2, dtype=torch.bool)
    ranks = torch.arange(16).reshape(1, 4, 4).expand(3, -1, -1)
    deletion.curves(banded, features, targets, outputs, ranks=ranks, baseline=ZERO, steps=8)
    assert sizes == [2 * features.numel() * features.element_size()] * 9


def test_probabilities_are_those_among_the_outputs_of_the_own_head():
    built, features = Linear(FRAMES * MELS, 5), loud(2)
    outputs = torch.tensor([[True, True, False, False, False], [False, False, True, True, True]])
    found = deletion.curves(
        built, features, torch.tensor([1, 3]), outputs, ranks=torch.zeros(2, 4, 4), baseline=ZERO, steps=1
    )
    logits = built(features)
    torch.testing.assert_close(found.deletion[0, 0], logits[0, :2].softmax(0)[1])
    torch.testing.assert_close(found.deletion[1, 0], logits[1, 2:].softmax(0)[1])


def test_cells_cover_the_whole_map_and_rank_from_the_largest():
    maps = torch.zeros(1, 25, 20)
    maps[0, 20:, 16:] = 3.0  # the last cell, of 5 frames and 4 mel bins
    maps[0, :10, :8] = 1.0
    values = cells.mean(maps)
    assert values[0].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 3]]
    torch.testing.assert_close(cells.expand(values, frames=25, mels=20), maps)
    assert cells.ranks(values)[0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 0]]
    drawn = cells.random_ranks(values, torch.Generator().manual_seed(0))
    assert sorted(drawn.flatten().tolist()) == list(range(9))
