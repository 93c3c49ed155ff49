"""Sharpness: eigenvalues of known quadratics, of a small network, and losses along directions."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.explanation.sharpness import filter_normalised, hessian_product, largest_eigenvalue, losses_at
from models.networks.registry import create
from tests.unit.models.training.toys import Linear


def quadratic(eigenvalues: list[float]) -> tuple[list, list[nn.Parameter], torch.Tensor]:
    """Return ½ wᵀ A w as two losses, its weights in two tensors, and A with these eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    size = len(eigenvalues)
    basis = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]
    matrix = basis @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ basis.T
    weights = [nn.Parameter(torch.randn(2, 2, dtype=torch.float64)), nn.Parameter(torch.randn(size - 4).double())]

    def loss(share: float):
        flat = torch.cat([weight.flatten() for weight in weights])
        return share * flat @ matrix @ flat / 2

    return [lambda: loss(0.25), lambda: loss(0.75)], weights, matrix


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_product_with_the_hessian_of_a_quadratic():
    loss, weights, matrix = quadratic([3, 1, 0.5, 0, -2, -1])
    vector = [torch.ones_like(weight) for weight in weights]
    found = torch.cat([part.flatten() for part in hessian_product(loss, weights, vector)])
    torch.testing.assert_close(found, matrix.sum(1))


@pytest.mark.parametrize("eigenvalues", [[3, 1, 0.5, 0, -2, -1], [3, 1, 0.5, 0, -5, -1], [-1, -2, -3, -4, -5, -6.5]])
def test_largest_eigenvalue_of_a_quadratic(eigenvalues):
    """It is the largest, also where a negative one has the largest magnitude."""
    loss, weights, _ = quadratic(eigenvalues)
    found = largest_eigenvalue(loss, weights, iterations=300, tolerance=1e-9, generator=seeded())
    assert found.value == pytest.approx(max(eigenvalues), rel=1e-4)
    assert found.residual < 0.01


def test_an_iteration_that_is_cut_short_shows_its_residual():
    loss, weights, _ = quadratic([3, 2.9, 2.8, 2.7, 2.6, 2.5])
    found = largest_eigenvalue(loss, weights, iterations=1, tolerance=1e-9, generator=seeded())
    assert found.products == 1
    assert 0.01 < found.residual < 0.5


def test_largest_eigenvalue_of_a_network_is_that_of_its_whole_hessian():
    torch.manual_seed(0)
    linear, features, labels = (
        Linear(6, 3).double(),
        torch.randn(8, 2, 3).double(),
        torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]),
    )
    shapes = [parameter.shape for parameter in linear.parameters()]
    sizes = [shape.numel() for shape in shapes]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        weight, bias = (part.reshape(shape) for part, shape in zip(flat.split(sizes), shapes, strict=True))
        return F.cross_entropy(features.flatten(1) @ weight.T + bias, labels)

    whole = torch.cat([parameter.detach().flatten() for parameter in linear.parameters()])
    expected = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, whole)).max().item()
    parts = [lambda: F.cross_entropy(linear(features), labels)]
    found = largest_eigenvalue(parts, list(linear.parameters()), iterations=200, tolerance=1e-9, generator=seeded())
    assert found.value == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [("ast", {"size": "tiny", "depth": 1, "stride": 16}), ("mn", {"width": 0.1}), ("timm/test_resnet", {})],
)
def test_a_second_backward_pass_through_networks(architecture, options):
    """The product with the Hessian is the change of the gradient along the vector."""
    torch.manual_seed(0)
    built = create(architecture, frames=48, mels=32, classes=3, options=options, weights=None).double().eval()
    features, labels = torch.randn(3, 48, 32).double(), torch.tensor([0, 1, 2])
    parameters = [parameter for parameter in built.parameters() if parameter.requires_grad]
    vector, step = filter_normalised(parameters, seeded()), 1e-6

    def slopes() -> list[torch.Tensor]:
        loss = F.cross_entropy(built(features), labels)
        return torch.autograd.grad(loss, parameters, materialize_grads=True)

    def slopes_at(factor: float) -> list[torch.Tensor]:
        with torch.no_grad():
            torch._foreach_add_(parameters, vector, alpha=factor)
        found = slopes()
        with torch.no_grad():
            torch._foreach_sub_(parameters, vector, alpha=factor)
        return found

    found = hessian_product([lambda: F.cross_entropy(built(features), labels)], parameters, vector)
    expected = torch._foreach_div(torch._foreach_sub(slopes_at(step), slopes_at(-step)), 2 * step)
    one, other = (torch.cat([part.flatten() for part in parts]) for parts in (found, expected))
    assert (one - other).norm() < 1e-2 * other.norm()


def test_directions_have_the_norm_of_each_filter():
    parameters = [nn.Parameter(torch.randn(4, 2, 3, 3)), nn.Parameter(torch.randn(4))]
    weight, bias = filter_normalised(parameters, seeded())
    torch.testing.assert_close(weight.flatten(1).norm(dim=1), parameters[0].flatten(1).norm(dim=1).detach())
    assert (bias == 0).all()


def test_losses_on_a_plane_of_a_quadratic():
    loss, weights, matrix = quadratic([3, 1, 0.5, 0, -2, -1])
    before = [weight.detach().clone() for weight in weights]
    directions = [
        [torch.ones_like(weight) for weight in weights],
        [torch.arange(4.0).reshape(2, 2).double(), torch.zeros(2).double()],
    ]
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [-0.5, 2.0]])
    found = losses_at(loss, weights, directions, points)
    flat, one, other = (torch.cat([part.flatten() for part in parts]) for parts in (before, *directions))
    moved = [flat, flat + one, flat - 0.5 * one + 2 * other]
    torch.testing.assert_close(found, torch.stack([point @ matrix @ point / 2 for point in moved]))
    assert all(torch.equal(weight, kept) for weight, kept in zip(weights, before, strict=True))
