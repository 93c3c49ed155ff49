"""SpecAugment: masks, warps, gates and fills."""

from dataclasses import astuple
from typing import get_args, get_type_hints

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.training.augmentation_settings import SpecAugmentSettings
from models.training.specaugment import FRAMES, MELS, POLICIES, SpecAugment, masks, warp


def augment(features: Tensor, policy: str = "icbhi_ast_sup", fill: str = "zero", **changes: str) -> Tensor:
    built = SpecAugment(SpecAugmentSettings(policy=policy, fill=fill, **changes))
    return built(features, torch.Generator().manual_seed(0))


def test_every_policy_of_the_settings_exists():
    assert set(get_args(get_type_hints(SpecAugmentSettings)["policy"])) == set(POLICIES)


def test_the_published_policies():
    published = {  # warp, mel width, mel masks, frame width, frame masks, how often
        "LB": (80, 27, 1, 100, 1, 1.0),
        "LD": (80, 27, 2, 100, 2, 1.0),
        "SM": (40, 15, 2, 70, 2, 0.2),
        "SS": (40, 27, 2, 70, 2, 0.2),
        "icbhi_sup": (0, 20, 2, 50, 2, 1.0),
        "icbhi_ast_sup": (0, 48, 2, 160, 2, 1.0),
    }
    assert {name: astuple(POLICIES[name]) for name in published} == published


@given(
    st.sampled_from(sorted(POLICIES)),
    st.tuples(st.integers(1, 4), st.integers(8, 90), st.integers(4, 40)),
    st.sampled_from(["mean", "zero"]),
)
@settings(max_examples=60)
def test_shape_and_input_are_unchanged_at_any_size(policy, size, fill):
    features = torch.randn(size)
    before = features.clone()
    masked = augment(features, policy, fill)
    assert masked.shape == features.shape
    assert torch.isfinite(masked).all()
    assert torch.equal(features, before), "the cache is never changed"


def test_masks_are_whole_rows_and_columns_of_limited_width_per_sample():
    features = torch.ones(200, FRAMES, MELS)
    hidden = augment(features) == 0
    mels, frames = hidden.all(1), hidden.all(2)
    assert torch.equal(hidden, mels[:, None, :] | frames[:, :, None])
    assert 60 < mels.sum(1).max() <= 2 * 47, "two masks"
    assert 200 < frames.sum(1).max() <= 2 * 159, "two masks"
    assert len(torch.unique(frames, dim=0)) > 190


@pytest.mark.parametrize(("per", "different"), [("sample", 40), ("batch", 1)])
@pytest.mark.parametrize("policy", ["icbhi_ast_sup", "LB"])  # the second one warps, too
def test_masks_and_warps_are_per_sample_or_per_batch(policy, per, different):
    ramp = torch.arange(1.0, FRAMES + 1)[None, :, None].expand(40, -1, MELS)
    masked = augment(ramp, policy, per=per)
    assert len(torch.unique(masked, dim=0)) == different
    assert not torch.equal(masked[0], ramp[0])


def test_unmasked_values_are_unchanged():
    features = torch.randn(4, FRAMES, MELS)
    assert augment(features, "none") is features
    masked, hidden = augment(features), augment(torch.ones_like(features)) == 0
    assert torch.equal(masked[~hidden], features[~hidden])
    assert not masked[hidden].any()


def test_mask_widths_scale_with_the_features_and_never_exceed_them():
    half = augment(torch.ones(300, FRAMES // 2, MELS // 2)) == 0
    assert half.all(1).sum(1).max() <= 2 * 23
    assert half.all(2).sum(1).max() <= 2 * 79
    generator = torch.Generator().manual_seed(0)
    assert masks((500, 1), 5, 100.0, generator).sum(1).max() < 5


def test_the_mean_fill_is_per_sample_and_computed_again_for_frames():
    features = torch.randn(1, FRAMES, MELS) + 3
    masked, hidden = augment(features, fill="mean"), augment(torch.ones(1, FRAMES, MELS)) == 0
    mels, frames = hidden.all(1)[0], hidden.all(2)[0]
    assert (mels.any(), frames.any()) == (True, True)
    first = features.mean()
    assert torch.allclose(masked[0][~frames][:, mels], first)
    after_mels = torch.where(mels, first, features[0]).mean()
    assert torch.allclose(masked[0][frames], after_mels)
    assert torch.equal(masked[0][~frames][:, ~mels], features[0][~frames][:, ~mels])


def test_the_reference_gate_is_a_normal_draw():
    features = torch.ones(4000, 40, 32)

    def share(policy: str, gate: str) -> float:
        return (augment(features, policy, gate=gate) == 0).any(2).any(1).float().mean().item()

    assert share("icbhi_ast_sup", "uniform") > 0.99
    assert share("icbhi_ast_sup", "reference") == pytest.approx(0.841, abs=0.02)  # Φ(1)
    assert share("SM", "uniform") == pytest.approx(0.2, abs=0.02)
    assert share("SM", "reference") == pytest.approx(0.579, abs=0.025)  # Φ(0.2)


def test_the_warp_keeps_both_ends_and_the_order_of_time():
    time = torch.arange(798.0)[None, :, None].expand(50, -1, 4)
    warped = warp(time, 80, torch.Generator().manual_seed(0), warps=50)
    torch.testing.assert_close(warped[:, 0], time[:, 0])
    torch.testing.assert_close(warped[:, -1], time[:, -1])
    assert (warped.diff(dim=1) > 0).all()
    furthest = (warped - time).abs().amax((1, 2))
    assert 60 < furthest.max() < 80
    assert len(furthest.unique()) == 50
