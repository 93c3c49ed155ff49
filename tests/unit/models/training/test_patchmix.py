"""Patch-Mix and its contrastive loss: draws, mixes and losses against values worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks.base import Network
from models.training.contrastive import PatchMixContrastive, contrastive_loss
from models.training.objectives import CrossEntropy, Objective, Targets
from models.training.patchmix import Mix, PatchMix, draw
from models.training.registry import create
from models.training.settings import ObjectiveSettings, PatchMixSettings
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys
from tests.unit.models.training.mixtures import LABELS, contrastive, features, mix, network

CPU = torch.device("cpu")
GRID = (3, 5)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), beta=st.sampled_from([0.2, 1.0, 5.0]), time=st.booleans())
def test_lam_is_the_fraction_of_patches_outside_of_the_mask(seed, beta, time):
    def drawn() -> Mix:
        generator = torch.Generator().manual_seed(seed)
        domain: Any = "time" if time else "patch"
        return draw(GRID, [6], beta=beta, domain=domain, generator=generator, device=CPU)[0]

    built = drawn()
    assert sorted(built.perm.tolist()) == list(range(6))
    assert built.mask.shape == (15,)
    assert built.lam.item() == pytest.approx(1 - built.mask.float().mean().item())
    if time:
        columns = built.mask.reshape(GRID)
        assert (columns == columns[0]).all(), "whole columns of time, in every row of frequency"
    again = drawn()
    assert torch.equal(again.mask, built.mask)
    assert torch.equal(again.perm, built.perm)


def test_lam_follows_beta_rounded_up():
    generator = torch.Generator().manual_seed(0)
    shares = [
        draw((12, 79), [2], beta=1.0, domain="patch", generator=generator, device=CPU)[0].lam.item()
        for _ in range(2000)
    ]
    # Beta(1, 1) is uniform
    np.testing.assert_allclose(np.quantile(shares, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.03)
    assert all(round(share * 948, 3).is_integer() for share in np.array(shares))


def test_parts_of_a_batch_share_lam_and_mask_but_not_perm():
    def drawn(parts: list[int]) -> list[Mix]:
        generator = torch.Generator().manual_seed(1)
        return draw(GRID, parts, beta=1.0, domain="patch", generator=generator, device=CPU)

    [whole], parts = drawn([8]), drawn([5, 3])
    for part, size in zip(parts, (5, 3), strict=True):
        assert part.lam == whole.lam
        assert torch.equal(part.mask, whole.mask)
        assert sorted(part.perm.tolist()) == list(range(size))
    with pytest.raises(ValueError, match="two clips in each part of a batch; the parts have 3, 1; raise"):
        drawn([3, 1])


def test_masked_patches_come_from_the_permuted_clip():
    patches = torch.arange(4 * 8 * 2.0).reshape(4, 8, 2)
    built = mix(0.25)
    mixed = built(patches)
    for clip in range(4):
        torch.testing.assert_close(mixed[clip, :2], patches[clip, :2])
        torch.testing.assert_close(mixed[clip, 2:], patches[built.perm[clip], 2:])


def test_mixed_cross_entropy_by_hand():
    net, x = network(), features()
    built = mix(1 / 3, patches=9)
    objective = PatchMix(CrossEntropy(), beta=1.0, domain="patch")
    found = objective(net, x, Targets(labels=LABELS, soft=None, mix=built))
    log_p = net.head(net.encode(built(net.patches(x)))).log_softmax(1)
    expected = 0.0
    for clip in range(4):
        own, other = LABELS[clip], LABELS[built.perm[clip]]
        expected -= (log_p[clip, own] / 3 + 2 * log_p[clip, other] / 3) / 4
    torch.testing.assert_close(found, expected)


def test_an_empty_mask_gives_plain_cross_entropy():
    net, x = network(), features()
    same = Mix(lam=torch.tensor(1.0), perm=torch.tensor([3, 0, 1, 2]), mask=torch.zeros(9, dtype=torch.bool))
    objective = PatchMix(CrossEntropy(), beta=1.0, domain="patch")
    plain = CrossEntropy()(net, x, Targets(labels=LABELS, soft=None))
    torch.testing.assert_close(objective(net, x, Targets(labels=LABELS, soft=None, mix=same)), plain)


class Recorder(PatchMix):
    def __init__(self) -> None:
        super().__init__(CrossEntropy(), beta=1.0, domain="patch")
        self.seen: list[Mix] = []

    def forward(self, network: Network, features: torch.Tensor, targets: Targets) -> torch.Tensor:
        self.seen.append(targets.mix)
        return super().forward(network, features, targets)


def test_both_passes_of_sam_use_the_same_mix(tmp_path):
    net, recorder, data = parallel.Patches(), Recorder(), toys.data(tmp_path)
    chosen = toys.settings(optimizer=toys.optimizer(name="sam"), micro_batch=4)
    batches, steps = toys.steps(chosen, data, net, recorder)
    epoch = batches.epoch(1)
    for _ in range(2):
        steps.take(next(epoch))
    drawn = [(one.lam.item(), *one.perm.tolist(), *one.mask.tolist()) for one in recorder.seen]
    assert len(drawn) == 8, "two steps of two passes of two micro-batches"
    assert drawn[0:2] == drawn[2:4]
    assert drawn[4:6] == drawn[6:8]
    assert len(set(drawn)) == 4


def test_networks_without_patches_and_unequal_lengths_are_refused():
    for name in ("patchmix", "patchmix_cl"):
        with pytest.raises(ValueError, match="TinyNetwork has none"):
            create(ObjectiveSettings(name=name), np.arange(4), 4, toys.network())
    with pytest.raises(ValueError, match="must be their length, 192, not 64"):
        contrastive("grad_flow", projection=64)
    assert contrastive("project_flow", projection=64).projector[3].out_features == 64


def test_the_registry_follows_the_settings():
    net = network()
    chosen = PatchMixSettings(domain="time", projection=192, beta=0.4)
    built: list[Objective] = [
        create(ObjectiveSettings(name=name, patchmix=chosen), np.arange(4), 4, net)
        for name in ("patchmix", "patchmix_cl")
    ]
    for objective in built:
        [drawn] = objective.draw(net, [4], torch.Generator().manual_seed(0))
        columns = drawn.mask.reshape(net.grid)
        assert (columns == columns[0]).all()
        loss = objective(net, features(), Targets(labels=LABELS, soft=None, mix=drawn))
        assert torch.isfinite(loss)
    assert isinstance(built[1], PatchMixContrastive)
    assert not isinstance(built[0], PatchMixContrastive)


@pytest.mark.parametrize("negatives", ["all", "diff_label"])
@pytest.mark.parametrize("partner", [(1, 2, 0, 3), (0, 1, 2, 3), (2, 3, 1, 0)])
def test_the_contrastive_loss_by_hand(negatives, partner):
    generator = torch.Generator().manual_seed(5)
    anchors, keys = (torch.randn(4, 6, generator=generator, dtype=torch.float64) for _ in range(2))
    share, temperature = 0.3, 0.06
    built = mix(share, partner)
    expected = 0.0
    for i in range(4):

        def similarity(j: int, i: int = i) -> float:
            cosine = anchors[i] @ keys[j] / (anchors[i].norm() * keys[j].norm())
            return math.exp(cosine.item() / temperature)

        p = partner[i]
        among = [j for j in range(4) if negatives == "all" or j in (i, p) or LABELS[j] != LABELS[i]]
        below = sum(similarity(j) for j in among)
        expected -= (share * math.log(similarity(i) / below) + (1 - share) * math.log(similarity(p) / below)) / 4
    found = contrastive_loss(anchors, keys, built, LABELS, temperature=temperature, negatives=negatives)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_the_contrastive_loss_keeps_its_precision_under_autocast():
    generator = torch.Generator().manual_seed(5)
    anchors, keys = (torch.randn(4, 64, generator=generator) for _ in range(2))

    def loss() -> float:
        return contrastive_loss(anchors, keys, mix(), LABELS, temperature=0.06, negatives="all").item()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.mm(anchors, keys.T).dtype == torch.bfloat16
        in_bf16 = loss()
    assert in_bf16 == loss()


def test_its_gradient_agrees_with_finite_differences():
    generator = torch.Generator().manual_seed(6)
    anchors, keys = (torch.randn(4, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    built = Mix(lam=torch.tensor(0.3, dtype=torch.float64), perm=mix().perm, mask=mix().mask)

    def loss(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        # single precision inside: the step is wide and the tolerance with it
        return contrastive_loss(one, other, built, LABELS, temperature=0.5, negatives="diff_label")

    for inputs in (anchors, keys):
        inputs.requires_grad_(True)
    loss(anchors, keys).backward()
    for number, inputs in enumerate((anchors, keys)):
        for at in ((0, 0), (2, 3), (3, 4)):
            moved = []
            for step in (0.02, -0.02):
                both = [anchors.detach().clone(), keys.detach().clone()]
                both[number][at] += step
                moved.append(loss(*both).item())
            assert inputs.grad[at].item() == pytest.approx((moved[0] - moved[1]) / 0.04, abs=2e-3)


@pytest.mark.parametrize("target", ["grad_block", "grad_flow", "project_block", "project_flow"])
def test_the_target_decides_projection_and_gradient_of_the_keys(target):
    net, x, built = network(), features(), mix(1 / 3, patches=9)
    objective = contrastive(target).eval()
    targets = Targets(labels=LABELS, soft=None, mix=built)
    anchors = objective.projector(net.encode(built(net.patches(x))))
    clean = net.encode(net.patches(x))
    keys = objective.projector(clean) if "project" in target else clean
    contrast = contrastive_loss(anchors, keys, built, LABELS, temperature=0.06, negatives="all")
    expected = CrossEntropy()(net, x, targets) + contrast
    found = objective(net, x, targets)
    torch.testing.assert_close(found, expected)

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        net.zero_grad()
        loss.backward(retain_graph=True)
        return net.vit.norm.weight.grad.clone()

    flowing, found_gradient = gradient(expected), gradient(found)
    blocked = gradient(
        CrossEntropy()(net, x, targets)
        + contrastive_loss(anchors, keys.detach(), built, LABELS, temperature=0.06, negatives="all")
    )
    torch.testing.assert_close(found_gradient, blocked if "block" in target else flowing)
    assert not torch.allclose(flowing, blocked, rtol=1e-3)


def test_alpha_weighs_the_contrastive_loss():
    net, x, targets = network(), features(), Targets(labels=LABELS, soft=None, mix=mix(1 / 3, patches=9))
    losses = [contrastive("grad_block", alpha=alpha).eval()(net, x, targets).item() for alpha in (0.0, 1.0, 2.0)]
    assert losses[0] == pytest.approx(CrossEntropy()(net, x, targets).item(), rel=1e-5)
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-4)
