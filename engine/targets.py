"""What the paintings ask of a picture, measured once for each painting, size and encoder, and kept for the next job."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Final

import torch
from torch import Tensor

from engine.encoders import SMALLEST_EDGE, Encoder
from engine.memory import Rung
from engine.options import Statistic
from engine.statistics import STATISTICS
from engine.step import fit, widen
from engine.tiles import plan_blocks

Measures = Mapping[str, Tensor]
"""By layer."""


class MeasureCache:
    """The measures of paintings seen lately, by content; the longest unused go first.

    Args:
        most_bytes: of what is kept. A painting takes some 1 MB a scale with VGG-19.
    """

    def __init__(self, most_bytes: int = 2**28) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[str, Measures] = OrderedDict()

    def get(self, key: str, make: Callable[[], Measures]) -> Measures:
        """What is kept under the key, or is made now."""
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self.most_bytes:
            self._kept.popitem(last=False)
        return self._kept[key]


def _bytes(measures: Measures) -> int:
    return sum(tensor.nbytes for tensor in measures.values())


class Painting:
    """One style's picture, and what it measures at any size.

    Args:
        picture: shape (1, 3, height, width), RGB in 0..1.
        cache: where measures are kept.
    """

    def __init__(self, picture: Tensor, cache: MeasureCache) -> None:
        self.picture = picture
        self.cache = cache
        self.digest = hashlib.sha256(picture.cpu().contiguous().numpy().tobytes()).hexdigest()

    def measure(
        self, long_edge: int, encoder: Encoder, rung: Rung, layers: tuple[str, ...], statistic: Statistic
    ) -> Measures:
        """At that long edge, by layer."""
        height, width = self._size(long_edge)
        key = f"{self.digest} {height}×{width} {encoder.fingerprint} {rung.block_edge} {statistic} {layers}"
        return self.cache.get(key, lambda: measure(self.at(long_edge), rung.equip(encoder), rung, layers, statistic))

    def at(self, long_edge: int) -> Tensor:
        """The picture that is measured there, with a bleed as the canvas has."""
        return widen(fit(self.picture, *self._size(long_edge)))

    def _size(self, long_edge: int) -> tuple[int, int]:
        """Never enlarged: that would teach blur. Never so narrow that the deepest layer sees nothing."""
        height, width = self.picture.shape[-2:]
        factor = max(min(1.0, long_edge / max(height, width)), SMALLEST_EDGE / min(height, width))
        return round(height * factor), round(width * factor)


_SEED: Final = 0


def measure(
    picture: Tensor, encoder: Encoder, rung: Rung, layers: tuple[str, ...], statistic: Statistic
) -> dict[str, Tensor]:
    """What the statistic measures of the whole picture before the heads, by layer, without a gradient."""
    height, width = picture.shape[-2:]
    sums: dict[str, Tensor] = {}
    with torch.no_grad():
        for block in plan_blocks(height, width, rung.block_edge, encoder.reach):
            for layer, map_ in encoder.trunk(block.see(picture), layers).items():
                part = STATISTICS[statistic].measure(block.piece(map_, layer, (height, width)), None, _SEED)
                sums[layer] = sums[layer] + part if layer in sums else part
    return sums


def feature_maps(picture: Tensor, encoder: Encoder, rung: Rung, layers: Collection[str]) -> dict[str, Tensor]:
    """The whole picture's feature maps at those layers, without a gradient."""
    if not layers:
        return {}
    height, width = picture.shape[-2:]
    whole: dict[str, Tensor] = {}
    with torch.no_grad():
        for block in plan_blocks(height, width, rung.block_edge, encoder.reach):
            for layer, map_ in encoder(block.see(picture), layers).items():
                piece = block.piece(map_, layer, (height, width))
                if layer not in whole:
                    whole[layer] = map_.new_empty((1, map_.shape[1], *piece.whole))
                piece.cut(whole[layer]).copy_(piece.features)
    return whole
