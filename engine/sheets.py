"""Many pictures as one: a sheet with columns, each picture with its label below. numpy and Pillow only."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.images import Pixels, resize

PAPER: Final = (246, 242, 234)
INK: Final = (38, 34, 28)
GAP_SHARE: Final = 0.06
LABEL_SHARE: Final = 0.075
"""Of the cell's edge: the space around a picture, and the height of the letters. Chosen by eye."""
CUT: Final = "…"


@dataclass(frozen=True)
class Cell:
    """One place of a sheet; either of the two may be left out."""

    label: str = ""
    picture: Pixels | None = field(default=None, repr=False)


def draw_sheet(cells: Sequence[Cell], columns: int, edge: int) -> Pixels:
    """The cells from left to right and from top to bottom; a row is as high as its highest picture.

    Args:
        columns: at least 1.
        edge: the long edge of each picture, in pixels.
    """
    gap, letters = round(edge * GAP_SHARE), max(9, round(edge * LABEL_SHARE))
    font = ImageFont.load_default(letters)
    rows = [
        [Cell(cell.label, None if cell.picture is None else resize(cell.picture, edge)) for cell in row]
        for row in (cells[start : start + columns] for start in range(0, len(cells), columns))
    ]
    heights = [_height(row) + (2 * letters if any(cell.label for cell in row) else 0) for row in rows]
    width = gap + min(columns, len(cells)) * (edge + gap)
    sheet = Image.new("RGB", (width, gap + sum(height + gap for height in heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    top = gap
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            left = gap + column * (edge + gap)
            if cell.picture is not None:
                rows_high, columns_wide = cell.picture.shape[:2]
                corner = (left + (edge - columns_wide) // 2, top + _height(row) - rows_high)  # all stand on one line
                sheet.paste(Image.fromarray(cell.picture), corner)
            middle = (left + edge / 2, top + _height(row) + letters)
            draw.text(middle, _fitting(cell.label, font, edge), INK, font, anchor="mm")
        top += height + gap
    return np.array(sheet)


def _height(row: Sequence[Cell]) -> int:
    return max((len(cell.picture) for cell in row if cell.picture is not None), default=0)


def _fitting(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """The label, or as much of its beginning as fits."""
    if font.getlength(label) <= width:
        return label
    fits = bisect_right(range(len(label)), width, key=lambda length: float(font.getlength(label[:length] + CUT)))
    return label[: max(0, fits - 1)].rstrip() + CUT
