"""An encoder that does something odd to another's feature maps, for tests."""

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from engine.encoders import Encoder, Maps


class OddEncoder:
    """Fulfils `engine.encoders.Encoder`.

    Args:
        encoder: the real one.
        oddity: what becomes of its maps.
    """

    name = "odd"
    fingerprint = "odd"

    def __init__(self, encoder: Encoder, oddity: Callable[[Maps], Maps]) -> None:
        self.encoder = encoder
        self.oddity = oddity
        self.device = encoder.device
        self.precision = encoder.precision
        self.spare_precision = encoder.spare_precision
        self.reach = encoder.reach
        self.content_gain = encoder.content_gain
        self.layers = encoder.layers

    def thrifty(self, precision: torch.dtype, *, checkpoints: bool) -> "OddEncoder":
        return OddEncoder(self.encoder.thrifty(precision, checkpoints=checkpoints), self.oddity)

    def until(self, is_cancelled: Callable[[], bool]) -> "OddEncoder":
        return OddEncoder(self.encoder.until(is_cancelled), self.oddity)

    def __call__(self, picture: Tensor, layers: Collection[str]) -> Maps:
        return self.oddity(self.encoder(picture, layers))

    def trunk(self, picture: Tensor, layers: Collection[str]) -> Maps:
        return self(picture, layers)

    def head(self, layer: str) -> None:
        return None
