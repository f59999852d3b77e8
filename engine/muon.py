"""Muon: steps for a network's matrices that go equally far in all of their directions.

The momentum of a weight is replaced by the nearest matrix whose singular values are all alike, so that what only few
lessons ask for is not drowned by what all of them do: Jordan et al., "Muon: An optimizer for hidden layers in neural
networks" (2024), for convolutions as for other matrices; its length is Adam's, as Liu et al. found to serve (arXiv:
2502.16982), so that rates mean the same. torch.optim.Muon takes no convolutions, and multiplies in bfloat16, which took
ten times as long on a CPU that knows no bfloat16.
"""

import math
from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor

MOMENTUM: Final = 0.95
TURNS: Final = 5
"""Of Newton-Schulz, with Jordan's coefficients: singular values come to lie between 0.7 and 1.2, which is enough."""
COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
ADAMS_LENGTH: Final = 0.2
"""Root mean square of Adam's steps, in rates."""
TINY: Final = 1e-12


class Muon(torch.optim.Optimizer):
    """For weights of two dimensions or more; all behind the first are taken as one."""

    def __init__(self, weights: Iterable[Tensor], rate: float) -> None:
        super().__init__(weights, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # none is needed, and none is called
        """Move every weight that has a slope."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                momentum.lerp_(weight.grad, 1 - MOMENTUM)
                matrix = weight.grad.lerp(momentum, MOMENTUM).flatten(start_dim=1)  # Nesterov's
                length = ADAMS_LENGTH * math.sqrt(max(matrix.shape))
                weight.sub_(even(matrix).view(weight.shape), alpha=group["lr"] * length)


def even(matrix: Tensor) -> Tensor:
    """About U Vᵀ of a matrix U S Vᵀ: its directions, all of one strength; same shape.

    The turns are made on the smaller of the two products with its transpose, which commutes with every one of them.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return even(matrix.T).T
    once, thrice, five_times = COEFFICIENTS
    matrix = matrix / (matrix.norm() + TINY)
    unit = torch.eye(len(matrix), device=matrix.device, dtype=matrix.dtype)
    squared, turned = matrix @ matrix.T, unit
    for _ in range(TURNS):
        turn = once * unit + thrice * squared + five_times * squared @ squared
        turned = turn @ turned
        squared = turn @ squared @ turn
    return turned @ matrix
