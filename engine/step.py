"""What goes into a painting and what comes out of every iteration, and the way between pixels and tensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from engine.images import Pixels

Mask = npt.NDArray[np.uint8]
"""Shape (height, width) of the content: 255 where the style goes, 0 where it does not."""
Tensors = Mapping[str, Tensor]
BLEED: Final = 6
"""Pixels that are painted beyond each edge and trimmed when the picture is shown, as printers do. Around a picture the
networks see zeros, and the optimiser answers with a coloured rim so wide."""


@dataclass(frozen=True)
class Style:
    """A painting to learn from; several are mixed in proportion to their weights.

    With a mask it keeps to its own region; styles without one share what the masks leave. Where no style goes, the
    photo stays as it is.
    """

    image: Pixels = field(repr=False)
    weight: float = 1.0
    mask: Mask | None = field(default=None, repr=False)


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


def _nothing() -> Tensors:
    raise ValueError("this recipe's state cannot be kept")


@dataclass(frozen=True)
class Step:
    """One iteration done. What its methods give costs time, so it is made only when asked, and shows that moment."""

    iteration: int
    """Over all scales, from 1."""
    total: int
    """Iterations as planned now; a scale that has settled early makes it smaller."""
    scale: int
    """Long edge of the picture that is being optimised now, in pixels."""
    work: float
    """Share of the whole work that is done, 0..1: an iteration counts by its pixels. 1 at the last step only."""
    _show: Callable[[], Tensor] = field(repr=False)
    _losses: Callable[[], Losses] = field(repr=False)
    _state: Callable[[], Tensors] = field(default=_nothing, repr=False)
    note: str | None = None
    """What the person should know of this painting, in one sentence: that it had to be made smaller, say."""

    def image(self) -> Pixels:
        """The picture as it is now, at the final size; valid until the next step is asked for."""
        return to_pixels(self._show())

    def colours(self) -> npt.NDArray[np.float32]:
        """As `image`, but not rounded: shape (height, width, 3), sRGB in 0..1."""
        return self._show()[0].permute(1, 2, 0).contiguous().cpu().numpy()

    def losses(self) -> Losses:
        """The loss of this iteration; valid until the next step is asked for."""
        return self._losses()

    def state(self) -> Tensors:
        """All that `stylize(…, resume=…)` needs to go on from here as if nothing had happened."""
        return self._state()


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """Shape (1, 3, height, width), RGB in 0..1, float32."""
    bytes_ = torch.from_numpy(np.array(pixels))
    if device.type == "cuda":
        bytes_ = bytes_.pin_memory()  # or the copy would make the computer wait
    return bytes_.to(device, non_blocking=True).permute(2, 0, 1)[None].float() / 255


def to_pixels(picture: Tensor) -> Pixels:
    """Shape (height, width, 3), from a picture as `to_tensor` gives it."""
    return picture[0].mul(255).round().byte().permute(1, 2, 0).cpu().numpy()


def fit(picture: Tensor, height: int, width: int) -> Tensor:
    """The picture at that size, values in 0..1."""
    return resize(picture.detach(), height, width).clamp(0, 1)


def widen(picture: Tensor, mode: Literal["reflect", "replicate"] = "reflect") -> Tensor:
    """The picture and its bleed: what a mirror at its edge would show."""
    return functional.pad(picture, (BLEED, BLEED, BLEED, BLEED), mode=mode)


def trim(picture: Tensor) -> Tensor:
    """The picture without its bleed."""
    return picture[..., BLEED:-BLEED, BLEED:-BLEED]


def resize(picture: Tensor, height: int, width: int) -> Tensor:
    """Bicubic, antialiased where it shrinks."""
    if picture.shape[-2:] == (height, width):
        return picture
    return functional.interpolate(picture, (height, width), mode="bicubic", antialias=True, align_corners=False)
