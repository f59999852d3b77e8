"""Masks: which style goes where, at every scale."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pictures import a_photo

from engine import Options, Style, stylize
from engine.encoders import LAYERS, EmbeddedEncoder, Encoder
from engine.errors import OptionsRefused
from engine.images import Pixels
from engine.regions import plan_regions
from engine.step import Mask

CPU = torch.device("cpu")
SIZE = Options(size=96, quality="draft", strength=80)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The real one: these tests look at colours."""
    return EmbeddedEncoder.shipped()


def stripes(one: tuple[int, int, int], other: tuple[int, int, int]) -> Pixels:
    down, across = np.mgrid[0:64, 0:64]
    return np.where(((down + across) // 4 % 2)[..., None], one, other).astype(np.uint8)


RED, BLUE = stripes((220, 30, 20), (250, 120, 60)), stripes((20, 40, 220), (60, 140, 250))


def white(rows: slice, columns: slice, height: int = 72, width: int = 96) -> Mask:
    mask = np.zeros((height, width), np.uint8)
    mask[rows, columns] = 255
    return mask


ALL = slice(None)
LEFT, RIGHT = white(ALL, slice(48)), white(ALL, slice(48, None))


def paint(encoder: Encoder, *styles: Style) -> npt.NDArray[np.float64]:
    *_, last = stylize(a_photo(72, 96), styles, encoder, SIZE)
    return last.image().astype(float)


def redness(part: npt.NDArray[np.float64]) -> float:
    """Red minus blue, as a mean."""
    return float((part[..., 0] - part[..., 2]).mean())


@pytest.mark.slow
def test_each_style_keeps_to_its_mask(encoder: Encoder) -> None:
    """Red on the left, blue on the right, and hardly a mixture at the border."""
    picture = paint(encoder, Style(RED, mask=LEFT), Style(BLUE, mask=RIGHT))

    assert redness(picture[:, :40]) > 80
    assert redness(picture[:, 56:]) < -80


@pytest.mark.slow
def test_a_style_without_a_mask_takes_what_the_masks_leave(encoder: Encoder) -> None:
    """One mask is enough for two styles."""
    picture = paint(encoder, Style(RED, mask=LEFT), Style(BLUE))

    assert redness(picture[:, :40]) > 80
    assert redness(picture[:, 56:]) < -80


@pytest.mark.slow
def test_a_small_region_is_painted_as_strongly_as_a_large_one(encoder: Encoder) -> None:
    """Its weight goes by its area, and its guide sums to one: each place is pulled alike."""
    corner = white(slice(24), slice(32))
    rest = np.asarray(255 - corner, np.uint8)

    picture = paint(encoder, Style(RED, mask=corner), Style(BLUE, mask=rest))
    whole = paint(encoder, Style(RED))

    assert redness(picture[:16, :24]) > 0.5 * redness(whole[:16, :24])


@pytest.mark.slow
def test_where_no_style_goes_the_photo_stays_as_it_is(encoder: Encoder) -> None:
    """To the last bit, at the photo's own size."""
    picture = paint(encoder, Style(RED, mask=LEFT))

    np.testing.assert_array_equal(picture[:, 48:], a_photo(72, 96)[:, 48:])
    assert np.abs(picture[:, :48] - a_photo(72, 96)[:, :48]).mean() > 20


@pytest.mark.parametrize("edge", [32, 48, 96, 500])
def test_a_guide_counts_its_own_places_at_every_layer_and_scale(edge: int) -> None:
    """Also a region of a few pixels, which conv5_1 sees as a part of one place."""
    dot = white(slice(30, 36), slice(60, 68))
    (region,) = plan_regions([Style(RED, mask=dot)], CPU)

    guides = [region.guide(layer, round(edge * 0.75) + 8, edge) for layer in LAYERS]

    for guide in guides:
        assert guide is not None
        assert torch.isfinite(guide).all()
        assert float(guide.sum()) == pytest.approx(1, abs=1e-3)
        left = int(guide.argmax()) % guide.shape[1] / guide.shape[1]
        assert left <= 2 / 3 <= left + 1 / guide.shape[1] + 0.1


def test_regions_share_the_canvas_by_their_area() -> None:
    """A half and what is left of it."""
    one, other = plan_regions([Style(RED, mask=LEFT), Style(BLUE)], CPU)

    assert (one.share, other.share) == pytest.approx((0.5, 0.5))
    assert (one.styles, other.styles) == ((0,), (1,))


@pytest.mark.parametrize(
    ("styles", "sentence"),
    [
        ([Style(RED, mask=white(slice(0), slice(0)))], "mask of style 1 is all black"),
        ([Style(RED, mask=LEFT), Style(BLUE, mask=RIGHT), Style(RED)], "leave no room for style 3"),
        (
            [Style(RED), Style(BLUE, mask=white(ALL, ALL, height=10))],
            "mask of style 2 is 96×10 pixels, but the photo is 96×72",
        ),
    ],
)
def test_masks_that_cannot_be_are_refused_by_one_sentence(encoder: Encoder, styles: list[Style], sentence: str) -> None:
    """Before a second is spent on painting."""
    with pytest.raises(OptionsRefused, match=sentence):
        next(stylize(a_photo(72, 96), styles, encoder, SIZE))
