"""One iteration of a painting as the caller sees it, and the way between pixels and tensors."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.images import Pixels


@dataclass(frozen=True)
class Style:
    """A painting to learn from; several are mixed in proportion to their weights."""

    image: Pixels = field(repr=False)
    weight: float = 1.0


@dataclass(frozen=True)
class Losses:
    """The terms of the loss after weighting; they sum to `total`."""

    content: float
    style: float
    smoothness: float = 0.0

    @property
    def total(self) -> float:
        """What the optimiser minimises."""
        return self.content + self.style + self.smoothness


@dataclass(frozen=True)
class Step:
    """One iteration done. `image` and `losses` cost time, so they are made only when asked, and show that moment."""

    iteration: int
    """Over all scales, from 1."""
    total: int
    scale: int
    """Long edge of the picture that is being optimised now, in pixels."""
    work: float
    """Share of the whole work that is done, 0..1: an iteration counts by its pixels."""
    _image: Callable[[], Pixels] = field(repr=False)
    _losses: Callable[[], Losses] = field(repr=False)

    def image(self) -> Pixels:
        """The picture as it is now, at the final size; valid until the next step is asked for."""
        return self._image()

    def losses(self) -> Losses:
        """The loss of this iteration; valid until the next step is asked for."""
        return self._losses()


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """Shape (1, 3, height, width), RGB in 0..1, float32."""
    return torch.from_numpy(np.array(pixels)).to(device).permute(2, 0, 1)[None].float() / 255


def to_pixels(picture: Tensor, height: int, width: int) -> Pixels:
    """The tensor's picture at that size, rounded to 8 bits; values outside 0..1 are cut off."""
    picture = resize(picture.detach(), height, width)
    return picture[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()


def resize(picture: Tensor, height: int, width: int) -> Tensor:
    """Bicubic, antialiased where it shrinks."""
    if picture.shape[-2:] == (height, width):
        return picture
    return functional.interpolate(picture, (height, width), mode="bicubic", antialias=True, align_corners=False)
