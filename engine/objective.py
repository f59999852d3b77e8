"""What one scale asks of the picture: the loss, and its slope at every pixel, in one piece or block by block.

Block by block takes two passes. The first measures every block and adds up; from the sums come the loss and its slope
along each of them. The second goes through the blocks again and carries these slopes back to the pixels. Because what
is measured adds up, the result is the whole picture's gradient, with one block in memory at a time (Galerne et al.,
EGSR 2024, for Gram matrices; here for everything that adds up).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.encoders import Look
from engine.losses import TINY, squared_distance, total_variation
from engine.statistics import Distance, Piece, Statistic, through
from engine.step import Losses
from engine.tiles import Block

PAIRED_PLACES: Final = 1024
"""Places whose likeness to each other is compared; STROTSS takes as many."""


class Term(Protocol):
    """One demand on one layer."""

    @property
    def layer(self) -> str:
        """Its name."""

    @property
    def weight(self) -> float:
        """Of the loss in the sum."""

    @property
    def is_style(self) -> bool:
        """Or else content."""

    def measure(self, piece: Piece, seed: int) -> Tensor:
        """What this piece adds to what is measured of the map."""

    def loss(self, measured: Tensor, seed: int) -> Tensor:
        """A scalar without a unit, before weighting."""


@dataclass(frozen=True)
class StyleTerm:
    """Be like the painting at this layer, in this region."""

    layer: str
    weight: float
    statistic: Statistic
    distance: Distance
    guide: Tensor | None
    is_style = True

    def measure(self, piece: Piece, seed: int) -> Tensor:
        """By the statistic."""
        return self.statistic.measure(piece, self.guide, seed)

    def loss(self, measured: Tensor, seed: int) -> Tensor:
        """The distance to the target."""
        return self.distance(measured, seed)


class FeatureTerm:
    """Have the photo's features, place by place: the seed article's content, as a share of the photo's energy."""

    is_style = False

    def __init__(self, layer: str, weight: float, photo: Tensor, head: nn.Conv2d | None = None) -> None:
        self.layer = layer
        self.weight = weight
        self.photo = photo
        self.head = head
        self.energy = photo.float().square().sum() + TINY

    def measure(self, piece: Piece, seed: int) -> Tensor:
        """The summed squared difference."""
        features = piece.features if self.head is None else self.head(piece.features)
        return squared_distance(features, piece.cut(self.photo))

    def loss(self, measured: Tensor, seed: int) -> Tensor:
        """As a share of the photo's."""
        share: Tensor = measured / self.energy
        return share


class SelfSimilarityTerm:
    """Keep which places resemble which, whatever they look like: Kolkin et al., STROTSS, arXiv:1904.12785, section 3.2.

    The mean absolute difference of the cosine distances among places that are drawn anew at every iteration, as a
    share of the photo's mean distance. (STROTSS normalises each row by its own sum, which is the same up to the row.)
    """

    is_style = False

    def __init__(self, layer: str, weight: float, photo: Tensor, head: nn.Conv2d | None = None) -> None:
        self.layer = layer
        self.weight = weight
        self.head = head
        self._photo = Piece(photo, 0, 0, _size(photo))

    def measure(self, piece: Piece, seed: int) -> Tensor:
        """The features at the places that were drawn, shape (channels, places); zeros for those of other pieces."""
        return piece.gather(self._drawn(seed))

    def loss(self, measured: Tensor, seed: int) -> Tensor:
        """Over all pairs of places."""
        wanted = self._distances(self._photo.gather(self._drawn(seed)))
        return (self._distances(through(self.head, measured)) - wanted).abs().mean() / (wanted.mean() + TINY)

    def _drawn(self, seed: int) -> Tensor:
        height, width = self._photo.whole
        luck = torch.Generator().manual_seed(seed)
        return torch.randint(height * width, (PAIRED_PLACES,), generator=luck).to(self._photo.features.device)

    def _distances(self, features: Tensor) -> Tensor:
        centred = features - features.mean(dim=1, keepdim=True)
        unit = functional.normalize(centred, dim=0)
        return 1 - unit.T @ unit


@dataclass(frozen=True)
class Terms:
    """The weighted terms of one iteration, still on the device."""

    content: Tensor
    style: Tensor
    smoothness: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.content + self.style + self.smoothness

    def read(self) -> Losses:
        """As numbers; waits for the device."""
        return Losses(self.content.item(), self.style.item(), self.smoothness.item())


class Objective:
    """The sum of its terms.

    Args:
        look: the encoder's trunk; each term knows the head that it sees through.
        terms: each with its target.
        smoothness: weight of the total variation.
        blocks: of the picture.
    """

    def __init__(self, look: Look, terms: Sequence[Term], smoothness: float, blocks: Sequence[Block]) -> None:
        self.look = look
        self.terms = terms
        self.smoothness = smoothness
        self.blocks = blocks
        self.layers = sorted({term.layer for term in terms})

    def descend(self, picture: Tensor, seed: int) -> Terms:
        """The terms at this picture, whose `grad` becomes the slope of their sum.

        Args:
            picture: a leaf, shape (1, 3, height, width), RGB in 0..1.
            seed: of what is drawn at random in this iteration.
        """
        picture.grad = None
        smoothness = self.smoothness * total_variation(picture)
        if len(self.blocks) == 1:
            content, style = self._weigh(self._measure(picture, self.blocks[0], seed), seed)
            (content + style + smoothness).backward()
            return Terms(content.detach(), style.detach(), smoothness.detach())
        with torch.no_grad():
            sums = [torch.stack(parts).sum(dim=0) for parts in zip(*self._measure_all(picture, seed), strict=True)]
        leaves = [measured.requires_grad_() for measured in sums]
        content, style = self._weigh(leaves, seed)
        (content + style + smoothness).backward()
        for block in self.blocks:
            measured = self._measure(picture, block, seed)
            slopes = [leaf.grad for leaf in leaves]
            torch.autograd.backward(measured, slopes)
        return Terms(content.detach(), style.detach(), smoothness.detach())

    def _measure_all(self, picture: Tensor, seed: int) -> Iterator[list[Tensor]]:
        for block in self.blocks:
            yield self._measure(picture, block, seed)

    def _measure(self, picture: Tensor, block: Block, seed: int) -> list[Tensor]:
        height, width = picture.shape[-2:]
        found = self.look(block.see(picture), self.layers)
        pieces = {layer: block.piece(map_, layer, (height, width)) for layer, map_ in found.items()}
        return [term.measure(pieces[term.layer], _sown(seed, number)) for number, term in enumerate(self.terms)]

    def _weigh(self, measured: Sequence[Tensor], seed: int) -> tuple[Tensor, Tensor]:
        nothing = measured[0].new_zeros(())
        content, style = nothing, nothing
        for number, (term, found) in enumerate(zip(self.terms, measured, strict=True)):
            loss = term.weight * term.loss(found, _sown(seed, number))
            if term.is_style:
                style = style + loss
            else:
                content = content + loss
        return content, style


def _size(map_: Tensor) -> tuple[int, int]:
    return map_.shape[-2], map_.shape[-1]


def _sown(seed: int, number: int) -> int:
    """Another seed for each term, or all layers would draw the same lines."""
    return (seed * 1_000_003 + number) % 2**63
