"""What a person chooses is seen in the picture: each control, moved, moves what its name says."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from pictures import a_painting, a_photo
from PIL import Image

from engine import Options, Style, stylize
from engine.encoders import EmbeddedEncoder, Encoder
from engine.errors import OptionsRefused
from engine.images import Pixels
from engine.options import KeepColours, Quality, Statistic, plan

Picture = npt.NDArray[np.float64]

pytestmark = pytest.mark.slow
PHOTO = a_photo(72, 96)
BROAD = np.repeat(np.repeat(a_painting(), 8, axis=0), 8, axis=1)
"""Stripes that are 32 pixels broad: a painting is seen smaller, but never larger than it is."""
SMALL = Options(size=96, quality="draft")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The real one: these tests look at pictures."""
    return EmbeddedEncoder.shipped()


def paint(
    encoder: Encoder, options: Options = SMALL, styles: Sequence[Style] = (Style(a_painting()),), photo: Pixels = PHOTO
) -> Picture:
    *_, last = stylize(photo, styles, encoder, options)
    return last.image().astype(float)


def grain(picture: Picture) -> float:
    """How much neighbouring pixels differ, as a mean."""
    return float(np.abs(np.diff(picture, axis=0)).mean() + np.abs(np.diff(picture, axis=1)).mean())


def likeness(one: Picture, other: Picture | Pixels) -> float:
    """How alike light and dark lie, from -1 to 1."""
    return float(np.corrcoef(one.mean(axis=2).ravel(), other.mean(axis=2).ravel())[0, 1])


def chroma(picture: Picture) -> Picture:
    """What is left of a picture without its light and dark."""
    colour: Picture = picture - (picture @ [0.299, 0.587, 0.114])[..., None]
    return colour


def test_more_strength_is_farther_from_the_photo(encoder: Encoder) -> None:
    """Step by step along the slider."""
    found = [likeness(paint(encoder, replace(SMALL, strength=strength)), PHOTO) for strength in (5, 40, 70, 100)]

    assert all(weak > strong for weak, strong in pairwise(found))
    assert found[0] > 0.8


def test_a_broader_brush_paints_coarser_strokes(encoder: Encoder) -> None:
    """Stripes of the painting become twice as broad, so there are half as many edges."""
    texture = replace(SMALL, size=128, quality="standard", texture_only=True)

    fine, coarse = (grain(paint(encoder, replace(texture, brush_size=brush), [Style(BROAD)])) for brush in (0.5, 1.0))

    assert coarse < 0.8 * fine


def test_styles_share_the_picture_by_their_weights(encoder: Encoder) -> None:
    """From all red to all blue, by way of both."""
    blue = np.ascontiguousarray(a_painting()[..., ::-1])
    mixes = [(1.0, 1e-6), (3.0, 1.0), (1.0, 3.0), (1e-6, 1.0)]
    strong = replace(SMALL, strength=80)

    pictures = [paint(encoder, strong, [Style(a_painting(), one), Style(blue, other)]) for one, other in mixes]

    redness = [float((picture[..., 0] - picture[..., 2]).mean()) for picture in pictures]
    assert all(more > 15 + less for more, less in pairwise(redness))


def test_weights_count_by_their_ratio_alone(encoder: Encoder) -> None:
    """They need not sum to anything."""
    blue = np.ascontiguousarray(a_painting()[..., ::-1])

    one, other = (
        paint(encoder, SMALL, [Style(a_painting(), 2 * share), Style(blue, share)]) for share in (1 / 3, 50.0)
    )

    np.testing.assert_allclose(one, other, atol=1)


def test_luminance_alone_leaves_every_colour_of_the_photo(encoder: Encoder) -> None:
    """A red painting makes nothing red."""
    kept = paint(encoder, replace(SMALL, strength=80, keep_colours="luminance"))
    taken = paint(encoder, replace(SMALL, strength=80))

    assert np.corrcoef(chroma(kept).ravel(), chroma(PHOTO.astype(float)).ravel())[0, 1] > 0.9
    assert np.corrcoef(chroma(taken).ravel(), chroma(PHOTO.astype(float)).ravel())[0, 1] < 0.7
    assert np.abs(kept - PHOTO).mean() > 5


def test_matched_colours_give_the_photos_palette(encoder: Encoder) -> None:
    """Its mean colour, whichever stroke has it."""
    mean = PHOTO.mean(axis=(0, 1))
    ways: tuple[KeepColours, ...] = ("covariance", "no")

    off = {
        way: np.abs(paint(encoder, replace(SMALL, strength=80, keep_colours=way)).mean(axis=(0, 1)) - mean).max()
        for way in ways
    }

    assert off["covariance"] < 12
    assert off["no"] > 3 * off["covariance"]


def test_more_smoothness_leaves_less_grain(encoder: Encoder) -> None:
    """From all of it to about a half."""
    found = [grain(paint(encoder, replace(SMALL, smoothness=smoothness))) for smoothness in (0, 50, 75, 100)]

    assert all(rough > smooth for rough, smooth in pairwise(found))
    assert found[-1] < 0.6 * found[0]


def test_a_texture_knows_nothing_of_the_photo_but_its_shape(encoder: Encoder) -> None:
    """The same from two photos, to the last bit, and yet the painting's."""
    texture = replace(SMALL, texture_only=True)

    one, other = (paint(encoder, texture, photo=photo) for photo in (PHOTO, np.zeros_like(PHOTO)))

    np.testing.assert_array_equal(one, other)
    assert np.abs(one.mean(axis=(0, 1)) - a_painting().mean(axis=(0, 1))).max() < 25


def test_noise_becomes_the_photo_too(encoder: Encoder) -> None:
    """The start is forgotten where the photo is held."""
    picture = paint(encoder, replace(SMALL, quality="standard", strength=1, start="noise"))

    assert likeness(picture, PHOTO) > 0.7


def test_another_seed_is_another_texture_of_the_same_painting(encoder: Encoder) -> None:
    """For whoever wants to choose among some."""
    one, other = (paint(encoder, replace(SMALL, texture_only=True, seed=seed)) for seed in (1, 2))

    assert np.abs(one - other).mean() > 10
    assert np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))).max() < 10


@pytest.mark.parametrize("statistic", ["gram", "moments"])
def test_the_same_options_look_the_same_at_two_sizes(encoder: Encoder, statistic: Statistic) -> None:
    """Shrunk to the smaller one's size, the larger one has as much of the photo and the painting's own colours.

    At standard quality: a draft of 128 pixels is over before its colours are settled.
    """
    options = replace(SMALL, size=128, statistic=statistic, quality="standard")
    small, large = (paint(encoder, replace(options, size=size), [Style(BROAD)]) for size in (128, 256))
    other, photo = (
        np.asarray(Image.fromarray(one.astype(np.uint8)).resize((128, 96)), float) for one in (large, PHOTO)
    )

    assert np.abs(small.mean(axis=(0, 1)) - other.mean(axis=(0, 1))).max() < 12
    assert likeness(small, photo) == pytest.approx(likeness(other, photo), abs=0.1)


def test_better_quality_takes_more_work(encoder: Encoder) -> None:
    """And ends nearer to what was asked: a lower loss at the same scale."""

    def end(quality: Quality) -> tuple[int, float]:
        *_, last = stylize(PHOTO, [Style(a_painting())], encoder, Options(size=128, quality=quality))
        return last.total, last.losses().total

    (fewest, high), (some, lower), (most, lowest) = (end(quality) for quality in ("draft", "standard", "fine"))

    assert fewest < some < most
    assert high > lower > 0.98 * lowest


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.0])
def test_a_plan_for_a_time_does_no_more_than_fits(encoder: Encoder, seconds: float) -> None:
    """At half a second a megapixel; the picture comes out at its full size, with a sentence where that was enlarged."""
    options = plan(Options(size=160, quality="fine"), seconds, seconds_per_megapixel=0.5)

    steps = list(stylize(PHOTO, [Style(a_painting())], encoder, options))

    work = sum(round(0.75 * step.scale) * step.scale for step in steps) / 1e6
    assert 0.5 * work < 1.1 * seconds
    assert steps[-1].image().shape == (120, 160, 3)
    assert (steps[-1].scale == 160) == (steps[-1].note is None)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_no_time_at_all_is_refused(seconds: float) -> None:
    """With the least that is needed."""
    with pytest.raises(OptionsRefused, match=r"at least 0\.1 seconds"):
        plan(Options(), seconds, seconds_per_megapixel=1.0)


def test_a_flat_colour_is_a_style_too(encoder: Encoder) -> None:
    """Little to learn from, but its colour is learned."""
    picture = paint(
        encoder, replace(SMALL, quality="standard", strength=90), [Style(np.full_like(a_painting(), (200, 60, 40)))]
    )

    assert np.abs(picture.mean(axis=(0, 1)) - (200, 60, 40)).max() < 40


def test_a_picture_has_no_rim(encoder: Encoder) -> None:
    """Around it the network sees zeros; what the optimiser makes of them is painted outside of what is shown.

    Without the bleed, the outermost pixels differ from the next ones by a fifth more than those inside do, or more.
    """
    picture = paint(encoder, replace(SMALL, size=128))
    sides = (picture, picture[::-1], picture.swapaxes(0, 1), picture.swapaxes(0, 1)[::-1])

    inwards = np.mean([np.abs(np.diff(side[:21], axis=0)).mean(axis=(1, 2)) for side in sides], axis=0)

    assert inwards[0] < 1.1 * inwards[8:].mean()
