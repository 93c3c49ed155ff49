"""Contrastive loss of Patch-Mix against values worked out by hand."""

import math

import pytest
import torch

from models.training.contrastive import contrastive_loss
from models.training.objectives import CrossEntropy, Targets
from models.training.patchmix import Mix
from tests.unit.models.training.mixtures import LABELS, contrastive, features, mix, network


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
