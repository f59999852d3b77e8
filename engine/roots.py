"""Square roots of symmetric matrices that have no negative eigenvalue, as covariances are.

Of a target, once: by its eigenvalues. Of a picture, at every iteration and with a slope: by eigenvalues on a CPU, where
that is fastest; elsewhere by matrix products alone, since finding eigenvalues makes the computer wait for a GPU, and
torch knows no way to on Apple's.
"""

from typing import Any, Final

import torch
from torch import Tensor

NOTHING: Final = 1e-7
"""Share of the largest variance below which another one is but float32's rounding."""
STEPS: Final = 25
"""Of Newton-Schulz. A root grows by half at each until it is right, so that 1.5²⁵ below the largest is still reached:
variances a billion times smaller than the largest one."""


def thin_root(matrix: Tensor) -> Tensor:
    """An R with Rᵀ R = A, shape (rank, n), on the matrix's device.

    A covariance over fewer places than channels has few directions with any variance. Without the others, what is made
    with R at every iteration is smaller: R B Rᵀ has the eigenvalues of A^½ B A^½ but for zeros.
    """
    values, vectors = torch.linalg.eigh(matrix.cpu() if matrix.device.type == "mps" else matrix)
    has_any = values > NOTHING * values[-1]
    has_any[-1] = True
    root: Tensor = values[has_any].clamp(min=0).sqrt()[:, None] * vectors[:, has_any].T
    return root.to(matrix.device)


def trace_of_root(matrix: Tensor, floor: Tensor) -> Tensor:
    """tr (A + floor · 1)^½, a scalar with a slope; no number, rather than an error, where A holds none.

    Args:
        matrix: A, shape (n, n).
        floor: added to every eigenvalue, a scalar: at 0 a root's slope has no bound.
    """
    trace: Tensor = _TraceOfRoot.apply(matrix, floor)
    return trace


class _TraceOfRoot(torch.autograd.Function):
    """The slope of tr A^½ is ½ A^-½, which comes with the root itself."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, floor: Tensor) -> Tensor:  # Any: torch types it nowhere
        root = root_by_eigenvalues if matrix.device.type == "cpu" else root_by_products
        trace, inverse = root(matrix, floor)
        ctx.save_for_backward(inverse)
        return trace

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # Any: as above
        (inverse,) = ctx.saved_tensors
        return gradients[0] * inverse / 2, None


def root_by_eigenvalues(matrix: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """The trace of (A + floor · 1)^½, and its inverse root."""
    if not torch.isfinite(matrix).all():  # or it would be called ill-conditioned, by an error
        return matrix.new_tensor(torch.nan), torch.full_like(matrix, torch.nan)
    values, vectors = torch.linalg.eigh(matrix)
    roots = (values.clamp(min=0) + floor).sqrt()
    return roots.sum(), (vectors / roots) @ vectors.T


def root_by_products(matrix: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """The same without waiting for the device: the coupled iteration of Newton and Schulz.

    Higham, "Functions of Matrices" (2008), chapter 6: Y → A^½ and Z → A^-½ from Y = A, Z = 1, with
    T = (3 - Z Y) / 2, Y ← Y T, Z ← T Z, for a matrix of norm up to 1.
    """
    one = torch.eye(len(matrix), device=matrix.device)
    lifted = matrix + floor * one
    norm = lifted.norm()
    root, inverse = lifted / norm, one
    for _ in range(STEPS):
        step = 1.5 * one - 0.5 * (inverse @ root)
        root, inverse = root @ step, step @ inverse
    return root.trace() * norm.sqrt(), inverse / norm.sqrt()
