"""Many pictures on one sheet: each in its place, with its name below."""

import numpy as np
import numpy.typing as npt
import pytest
from pictures import a_painting, a_photo

from engine.images import Pixels
from engine.sheets import PAPER, Cell, draw_sheet

RED = np.full((80, 100, 3), (200, 0, 0), np.uint8)
BLUE = np.full((100, 50, 3), (0, 0, 200), np.uint8)


def places_of(sheet: Pixels, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all pixels of that colour."""
    return extent((sheet == colour).all(axis=-1))


def places_of_letters(sheet: Pixels) -> tuple[int, int, int, int]:
    """Of all that is dark: small letters are drawn in greys."""
    return extent(sheet.max(axis=-1) < 160)


def extent(where: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    down, across = np.nonzero(where)
    return int(across.min()), int(down.min()), int(across.max()) + 1, int(down.max()) + 1


def test_pictures_stand_side_by_side_on_one_line_and_keep_their_shape() -> None:
    """A wide one and a tall one, centred in columns of one width."""
    sheet = draw_sheet([Cell("wide", RED), Cell("tall", BLUE)], columns=2, edge=100)

    wide, tall = places_of(sheet, (200, 0, 0)), places_of(sheet, (0, 0, 200))
    assert wide == (6, 26, 106, 106)
    assert tall == (137, 6, 187, 106)
    assert (sheet[0, 0] == PAPER).all()


def test_a_new_row_begins_where_the_columns_end() -> None:
    """Presets by contents."""
    sheet = draw_sheet([Cell(picture=a_photo()), Cell(picture=a_painting()), Cell("last", RED)], columns=2, edge=100)

    assert places_of(sheet, (200, 0, 0))[:2] == (6, 6 + 100 + 6)


def test_a_label_stands_below_its_picture() -> None:
    """And nowhere else."""
    sheet = draw_sheet([Cell("Night swirls", RED)], columns=1, edge=200)

    _, bottom_of_the_picture = places_of(sheet, (200, 0, 0))[2:]
    left, top, right, bottom = places_of_letters(sheet)
    assert bottom_of_the_picture < top < bottom < len(sheet)
    assert 12 < left < right < 212


@pytest.mark.parametrize("label", ["W" * 100, "Iphigenia in Aulis, with all the Greeks and both the ships"])
def test_a_long_label_is_cut_to_its_column(label: str) -> None:
    """Names do not run into each other."""
    sheet = draw_sheet([Cell(label, RED), Cell("", RED)], columns=2, edge=100)

    assert places_of_letters(sheet)[2] <= 106


def test_an_empty_cell_leaves_its_place_free() -> None:
    """The corner of a table."""
    sheet = draw_sheet([Cell(), Cell("", RED)], columns=2, edge=100)

    assert places_of(sheet, (200, 0, 0))[0] == 112
