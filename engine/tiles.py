"""A picture cut into overlapping blocks whose feature maps, put together, are the whole picture's: exactly, not nearly.

Each block is the network's reach larger, on every side, than the part of it that counts. Cuts lie on multiples of 16
pixels, where all of VGG-19's poolings begin a new cell. So a place of a layer's map sees the same in its block as in
the whole picture. After Galerne, Raad, Lezama & Morel, "Scaling Painting Style Transfer" (EGSR 2024), whose blocks
overlap by a rule of thumb.
"""

from dataclasses import dataclass
from typing import Final

from torch import Tensor

from engine.statistics import Piece

ALIGNMENT: Final = 16
"""In pixels: the four poolings before conv5_1 halve the picture as often."""


@dataclass(frozen=True)
class Block:
    """A rectangle of the picture in pixels, rows then columns, each from its first to behind its last."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    seen_rows: tuple[int, int]
    """With what must be seen around it."""
    seen_columns: tuple[int, int]

    @property
    def seen_area(self) -> int:
        """In pixels."""
        (top, bottom), (left, right) = self.seen_rows, self.seen_columns
        return (bottom - top) * (right - left)

    def see(self, picture: Tensor) -> Tensor:
        """The block and its surroundings, cut out of the picture."""
        return picture[..., slice(*self.seen_rows), slice(*self.seen_columns)]

    def piece(self, features: Tensor, layer: str, picture_size: tuple[int, int]) -> Piece:
        """Of the feature map of what is seen, the part that belongs to this block."""
        stride = stride_of(layer)
        top, bottom = (edge // stride for edge in self.rows)
        left, right = (edge // stride for edge in self.columns)
        above, before = self.seen_rows[0] // stride, self.seen_columns[0] // stride
        height, width = picture_size
        return Piece(
            features[..., top - above : bottom - above, left - before : right - before],
            top,
            left,
            (height // stride, width // stride),
        )


def stride_of(layer: str) -> int:
    """Pixels from one place of that layer's map to the next."""
    return 1 << (int(layer[len("conv")]) - 1)


def plan_blocks(height: int, width: int, largest_edge: int | None, reach: int) -> list[Block]:
    """Blocks that cover the picture, all of about one size.

    Args:
        height: of the picture, in pixels.
        width: of the picture.
        largest_edge: of what a block sees; None: one block for all.
        reach: how far a place looks to each side, in pixels, a multiple of `ALIGNMENT`.
    """
    return [
        Block(rows, columns, _widen(rows, height, reach), _widen(columns, width, reach))
        for rows in _cuts(height, largest_edge, reach)
        for columns in _cuts(width, largest_edge, reach)
    ]


def _cuts(edge: int, largest: int | None, reach: int) -> list[tuple[int, int]]:
    if largest is None or edge <= largest:
        return [(0, edge)]
    inner = max(ALIGNMENT, (largest - 2 * reach) // ALIGNMENT * ALIGNMENT)
    count = -(-edge // inner)
    even = -(-edge // (count * ALIGNMENT)) * ALIGNMENT
    begins = range(0, edge - ALIGNMENT + 1, even)  # what is left of less than one cell goes to the last block
    return list(zip(begins, [*begins[1:], edge], strict=True))


def _widen(span: tuple[int, int], edge: int, reach: int) -> tuple[int, int]:
    return max(0, span[0] - reach), min(edge, span[1] + reach)
