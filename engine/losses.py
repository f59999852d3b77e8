"""What a painting and a photo ask of the picture: the terms of the loss, pure functions of feature maps.

The default recipe's terms are relative: each is divided by its target's magnitude, so that a weight means the same at
every size, at every layer and with every encoder. The seed article's own terms stand in `engine.gatys`.
"""

from typing import Any, Final

import torch
from torch import Tensor

TINY: Final = 1e-12
"""Keeps a black target from dividing by zero; far below the square of any real feature map."""


def gram_matrix(features: Tensor) -> Tensor:
    """Correlate the channels of one layer: which textures occur, not where.

    Args:
        features: activations of one encoder layer, shape (batch, channels, height, width).

    Returns:
        Shape (batch, channels, channels), symmetric, float32, in squared activation units per pixel.

    Raises:
        ValueError: `features` is not four-dimensional.

    Gatys, Ecker & Bethge, arXiv:1508.06576: the style representation, G = F Fᵀ.
    """
    if features.ndim != 4:
        raise ValueError(f"want (batch, channels, height, width), got {tuple(features.shape)}")
    # In float32 whatever the encoder's precision: the sum runs over every pixel.
    flat = features.float().flatten(start_dim=2)
    # The paper divides in the loss, by pixels of this picture; dividing here instead lets one
    # style target serve pictures, and scales, of any size.
    return flat @ flat.mT / flat.shape[-1]


def relative_distance(found: Tensor, target: Tensor) -> Tensor:
    """Squared distance as a share of the target's squared magnitude, a scalar: 0 is equal, 1 is as far as nothing.

    Where we leave the paper: its distances have units, so that its weights hold for one network at one size.
    """
    target = target.float()
    return (found.float() - target).square().sum() / (target.square().sum() + TINY)


def squared_distance(found: Tensor, target: Tensor) -> Tensor:
    """Σ (found - target)², a scalar in float32 whatever their precision; the slope is along `found` alone.

    As `functional.mse_loss`, which takes five to seven times as long for maps in channels_last order (measured on a
    CPU; for contiguous ones both take the same): one copy of a map is made each way, and no other.
    """
    distance: Tensor = _SquaredDistance.apply(found, target)
    return distance


class _SquaredDistance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, found: Tensor, target: Tensor) -> Tensor:  # Any: torch types it nowhere
        difference = found - target
        ctx.save_for_backward(difference)
        norm: Tensor = torch.linalg.vector_norm(difference, dtype=torch.float32)
        return norm.square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # Any: as above
        (difference,) = ctx.saved_tensors
        return difference * (2 * gradients[0]).to(difference.dtype), None


def total_variation(picture: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, across and down, a scalar.

    A mean, not a sum: the weight means the same at every size (peers' sums grow with the picture).

    Args:
        picture: shape (batch, 3, height, width), RGB in 0..1.
    """
    return picture.diff(dim=-1).square().mean() + picture.diff(dim=-2).square().mean()
