"""Sharpness of a loss: the largest eigenvalue of its Hessian, and slices along random directions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from models.training.sam import perturbed

Parts = Sequence[Callable[[], Tensor]]  # losses whose sum is the loss, each computed anew at every call


@dataclass(frozen=True)
class Eigenvalue:
    """Largest eigenvalue of a Hessian, as power iteration found it.

    Attributes:
        value: Eigenvalue.
        residual: Norm of H v − λ v for the unit vector v that was found, relative to λ: 0 for an exact eigenvector.
        products: Number of products with the Hessian.
    """

    value: float
    residual: float
    products: int


def hessian_product(loss: Parts, parameters: Sequence[Tensor], vector: Sequence[Tensor]) -> list[Tensor]:
    """Return the product H v of the Hessian of a loss with a vector, by a second backward pass.

    Args:
        loss: Losses whose sum is the loss.
        parameters: Parameters, with gradients.
        vector: Vector v, of the shapes of the parameters.
    """
    total = [torch.zeros_like(parameter) for parameter in parameters]
    for part in loss:
        # Fused attention has no second backward pass.
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            gradients = torch.autograd.grad(part(), parameters, create_graph=True, materialize_grads=True)
            slope = _dot(gradients, vector)
        if not slope.requires_grad:
            continue  # a linear loss
        torch._foreach_add_(total, list(torch.autograd.grad(slope, parameters, materialize_grads=True)))
    return total


def largest_eigenvalue(
    loss: Parts, parameters: Sequence[Tensor], *, iterations: int, tolerance: float, generator: torch.Generator
) -> Eigenvalue:
    """Return the largest eigenvalue of the Hessian of a loss, by power iteration.

    Power iteration finds the eigenvalue of largest magnitude. If that one is negative, μ say, a second iteration with
    H − μ I finds the largest.

    Args:
        loss: Losses whose sum is the loss.
        parameters: Parameters, with gradients.
        iterations: Largest number of products with the Hessian in each iteration.
        tolerance: Relative change of the eigenvalue at which an iteration ends.
        generator: Random generator of the first vector, on the CPU.
    """
    start = _unit(_normal(parameters, generator))
    found = _iterate(loss, parameters, start, shift=0.0, iterations=iterations, tolerance=tolerance)
    if found.value >= 0:
        return found
    shifted = _iterate(loss, parameters, start, shift=found.value, iterations=iterations, tolerance=tolerance)
    return Eigenvalue(shifted.value, shifted.residual, found.products + shifted.products)


def _iterate(
    loss: Parts,
    parameters: Sequence[Tensor],
    vector: Sequence[Tensor],
    *,
    shift: float,
    iterations: int,
    tolerance: float,
) -> Eigenvalue:
    """Return the eigenvalue λ of the Hessian for which |λ − shift| is largest, from a first vector of norm 1."""
    value, residual, products = 0.0, 0.0, 0
    while products < iterations:
        product = hessian_product(loss, parameters, vector)
        products += 1
        before, value = value, float(_dot(product, vector))
        torch._foreach_sub_(product, torch._foreach_mul(list(vector), shift))
        rest = torch._foreach_sub(product, torch._foreach_mul(list(vector), value - shift))
        residual = float(torch.nn.utils.get_total_norm(rest)) / max(abs(value), torch.finfo(torch.float32).tiny)
        if abs(value - before) <= tolerance * abs(value):
            break
        vector = _unit(product)
    return Eigenvalue(value, residual, products)


def filter_normalised(parameters: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return a random direction (Li et al., NeurIPS 2018, arXiv 1712.09913), of the shapes of the parameters.

    Each filter, a row of a weight, has the norm of that filter in the network. So networks whose weights differ in
    scale can be compared. Parameters of one dimension, biases and those of normalisation layers, do not move.

    Args:
        parameters: Parameters of the network.
        generator: Random generator on the CPU.
    """
    direction = []
    for parameter, random in zip(parameters, _normal(parameters, generator), strict=True):
        if parameter.dim() < 2:
            direction.append(torch.zeros_like(parameter))
            continue
        own, drawn = (tensor.detach().flatten(1).norm(dim=1) for tensor in (parameter, random))
        scale = own / drawn.clamp_min(torch.finfo(drawn.dtype).tiny)
        direction.append(random * scale.reshape(-1, *[1] * (parameter.dim() - 1)))
    return direction


def losses_at(
    loss: Parts, parameters: Sequence[torch.nn.Parameter], directions: Sequence[Sequence[Tensor]], points: Tensor
) -> Tensor:
    """Return the loss ``(points,)`` at some points around the parameters, which are restored exactly.

    Args:
        loss: Losses whose sum is the loss.
        parameters: Parameters of the network.
        directions: Directions, each of the shapes of the parameters.
        points: Coordinates ``(points, directions)`` along the directions.
    """
    found = []
    for point in points.tolist():
        shifts = [torch.zeros_like(parameter) for parameter in parameters]
        for factor, direction in zip(point, directions, strict=True):
            torch._foreach_add_(shifts, list(direction), alpha=factor)
        with perturbed(parameters, shifts), torch.no_grad():
            found.append(sum(part() for part in loss))
    return torch.stack([torch.as_tensor(value) for value in found])


def _normal(parameters: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return normal random numbers of the shapes of the parameters."""
    return [
        torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype).to(parameter.device)
        for parameter in parameters
    ]


def _unit(vector: Sequence[Tensor]) -> list[Tensor]:
    """Return a vector scaled to the norm 1; a vector of zeros stays as it is."""
    norm = torch.nn.utils.get_total_norm(list(vector))
    return list(torch._foreach_div(list(vector), norm.clamp_min(torch.finfo(norm.dtype).tiny)))


def _dot(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """Return the scalar product of two vectors of the shapes of the parameters."""
    return torch.stack([(left * right).sum() for left, right in zip(one, other, strict=True)]).sum()
