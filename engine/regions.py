"""Which style goes where: masks become regions, and regions become guides for every layer and scale.

After the guided Gram matrices of Gatys et al. 2017 (arXiv:1611.07865, section 4), with guides that sum to one, so that
a style means the same in a small region as in a large one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import OptionsRefused
from engine.step import Mask, Style, widen
from engine.tiles import stride_of

SMALLEST_SHARE: Final = 1e-3
"""Of the picture's area: less is a slip of the brush, not a region."""


@dataclass(frozen=True)
class Region:
    """A part of the canvas and the styles that are mixed there, by their place in the list of styles."""

    styles: tuple[int, ...]
    share: float
    """Of the canvas' area, 0..1: what the region's style counts in the loss, so that each place is pulled alike."""
    mask: Tensor | None = None
    """Shape (1, 1, height, width), 0..1; None is everywhere."""

    def guide(self, layer: str, height: int, width: int) -> Tensor | None:
        """How much each place of that layer's map counts, summing to 1, the bleed's too; None: all alike.

        Args:
            layer: its name.
            height: of the picture at this scale, in pixels.
            width: of the picture.
        """
        if self.mask is None:
            return None
        here = functional.interpolate(self.mask, (height, width), mode="bilinear", antialias=True)
        here = widen(here, "replicate")
        guide = functional.avg_pool2d(here, stride_of(layer))[0, 0]
        return guide / guide.sum().clamp(min=1e-6)


def plan_regions(styles: Sequence[Style], device: torch.device) -> list[Region]:
    """One region for each mask, and one of all styles without a mask for what the masks leave.

    Raises:
        OptionsRefused: a style has nowhere to go.
    """
    masks = {number: _to_mask(style.mask, device) for number, style in enumerate(styles) if style.mask is not None}
    free = tuple(number for number in range(len(styles)) if number not in masks)
    regions = []
    for number, mask in masks.items():
        share = float(mask.mean())
        if share < SMALLEST_SHARE:
            raise OptionsRefused(
                f"The mask of style {number + 1} is all black; make it white where the style should go."
            )
        regions.append(Region((number,), share, mask))
    if free:
        rest = 1 - cover(regions) if regions else None
        share = 1.0 if rest is None else float(rest.mean())
        if share < SMALLEST_SHARE:
            raise OptionsRefused(f"The masks leave no room for style {free[0] + 1}; give it a mask, or leave it out.")
        regions.append(Region(free, share, rest))
    return regions


def cover(regions: Sequence[Region]) -> Tensor:
    """How much of each place any style covers, shape (1, 1, height, width), 0..1; of regions that all have masks."""
    return torch.stack([region.mask for region in regions if region.mask is not None]).sum(dim=0).clamp(0, 1)


def _to_mask(mask: Mask, device: torch.device) -> Tensor:
    return torch.from_numpy(mask.copy()).to(device)[None, None].float() / 255
