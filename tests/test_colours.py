"""Keeping the photo's colours, against numbers worked out by hand."""

import pytest
import torch
from torch import Tensor

from engine.colours import MOST_GAIN, luminance, match_colours, match_luminance, with_luminance


def flat(*colour: float, size: int = 4) -> Tensor:
    """One colour everywhere; with one number, a luminance."""
    return torch.tensor(colour).view(1, -1, 1, 1).repeat(1, 1, size, size)


def muted(seed: int, height: int = 24, width: int = 32) -> Tensor:
    """Colours around a grey, each channel with something of the others: mapped onto each other, none is clipped."""
    generator = torch.Generator().manual_seed(seed)
    mixture = torch.rand(3, 3, generator=generator)
    colours = torch.einsum("ij,bjhw->bihw", mixture, torch.rand(1, 3, height, width, generator=generator) - 0.5)
    return 0.4 + 0.1 * seed + 0.1 * colours


def moments(picture: Tensor) -> tuple[Tensor, Tensor]:
    pixels = picture[0].flatten(start_dim=1).double()
    return pixels.mean(dim=1), torch.cov(pixels, correction=0)


def chroma(picture: Tensor) -> Tensor:
    return picture - luminance(picture)


@pytest.mark.parametrize(
    ("colour", "expected"), [((1, 0, 0), 0.299), ((0, 1, 0), 0.587), ((0, 0, 1), 0.114), ((0.5, 0.5, 0.5), 0.5)]
)
def test_green_is_brighter_than_red_and_blue(colour: tuple[float, ...], expected: float) -> None:
    """YIQ's weights, which sum to one: a grey is as bright as it is."""
    found = luminance(flat(*map(float, colour)))

    assert found.shape == (1, 1, 4, 4)
    assert torch.allclose(found, torch.tensor(expected))


def test_another_luminance_leaves_the_colour() -> None:
    """Red 0.6, green and blue 0.4 have luminance 0.4598; 0.1 more moves every channel by 0.1."""
    photo = flat(0.6, 0.4, 0.4)

    found = with_luminance(photo, luminance(photo) + 0.1)

    assert torch.allclose(found, flat(0.7, 0.5, 0.5))


def test_a_photo_with_its_own_luminance_is_itself() -> None:
    """Strength 0 in the photo's colours is the photo, vivid colours and all."""
    photo = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0))

    assert torch.allclose(with_luminance(photo, luminance(photo)), photo, atol=1e-6)


def test_where_there_is_room_every_colour_is_kept() -> None:
    """Which is what the person asked for."""
    photo, painted = muted(0), luminance(muted(2))

    found = with_luminance(photo, painted)

    assert torch.allclose(chroma(found), chroma(photo), atol=1e-6)
    assert torch.allclose(luminance(found), painted, atol=1e-6)


def test_where_there_is_no_room_colours_pale_but_do_not_turn() -> None:
    """Clipped, a bright stroke over red would be too dark. Chroma is (.701, -.299, -.299), the room above it 0.4."""
    found = with_luminance(flat(1.0, 0.0, 0.0), flat(0.6))

    share = 0.4 / 0.701
    assert torch.allclose(found, flat(1.0, 0.6 - 0.299 * share, 0.6 - 0.299 * share))
    assert torch.allclose(luminance(found), flat(0.6))


@pytest.mark.parametrize(("wanted", "expected"), [(-0.5, 0.0), (0.0, 0.0), (1.0, 1.0), (1.5, 1.0)])
def test_no_colour_is_brighter_than_white_or_darker_than_black(wanted: float, expected: float) -> None:
    """An optimiser's picture may overshoot."""
    assert torch.equal(with_luminance(flat(0.8, 0.2, 0.4), flat(wanted)), flat(expected, expected, expected))


def test_luminance_is_matched_in_mean_and_deviation() -> None:
    """Half 0.2, half 0.4 (mean 0.3, deviation 0.1) onto mean 0.5, deviation 0.2: 0.3 and 0.7."""
    style = torch.tensor([0.2, 0.4]).view(1, 1, 1, 2)
    content = torch.tensor([0.3, 0.7, 0.7, 0.3]).view(1, 1, 2, 2)

    assert torch.allclose(match_luminance(style, content), torch.tensor([0.3, 0.7]).view(1, 1, 1, 2), atol=1e-3)


def test_a_flat_style_gets_the_contents_brightness() -> None:
    """There is no contrast to stretch."""
    assert torch.allclose(match_luminance(flat(0.1), luminance(muted(1))), luminance(muted(1)).mean(), atol=1e-5)


@pytest.mark.parametrize("sizes", [((24, 32), (24, 32)), ((48, 8), (16, 40))])
def test_the_recoloured_style_has_the_contents_palette(sizes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Mean and covariance of the colours, whatever the sizes."""
    style, content = muted(2, *sizes[0]), muted(0, *sizes[1])

    found = match_colours(style, content)

    (mean, covariance), (wanted_mean, wanted_covariance) = moments(found), moments(content)
    assert found.shape == style.shape
    assert found.dtype is style.dtype
    assert torch.allclose(mean, wanted_mean, atol=1e-6)
    assert torch.allclose(covariance, wanted_covariance, atol=1e-4)


def test_a_channel_of_half_the_contrast_is_stretched_twofold() -> None:
    """Red of ±0.1 onto ±0.2, green of ±0.2 onto ±0.1, blue as it is; all independent, so no channel mixes."""
    signs = torch.tensor([[1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1, 1, 1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    signs = signs.view(1, 3, 2, 4).float()
    style = 0.5 + signs * torch.tensor([0.1, 0.2, 0.1]).view(1, 3, 1, 1)
    content = 0.4 + signs * torch.tensor([0.2, 0.1, 0.1]).view(1, 3, 1, 1)

    assert torch.allclose(match_colours(style, content), content, atol=1e-3)


def test_a_style_that_has_the_palette_already_is_left_alone() -> None:
    """The map moves colours as little as it can."""
    assert torch.allclose(match_colours(muted(1), muted(1)), muted(1), atol=1e-6)


def test_swapped_channels_are_not_swapped_back() -> None:
    """The least move: equal palettes are reached by mixing, not by turning red strokes into blue ones."""
    style = muted(1)

    found = match_colours(style, style.flip(1))

    for channel in range(3):
        assert torch.corrcoef(torch.stack([found[0, channel].flatten(), style[0, channel].flatten()]))[0, 1] > 0.5


def test_the_faint_tints_of_a_grey_style_are_not_blown_up() -> None:
    """A scanned drawing would become coloured noise: its tints are stretched no more than the bound allows."""
    generator = torch.Generator().manual_seed(0)
    drawing = torch.rand(1, 1, 24, 32, generator=generator).expand(1, 3, 24, 32) * 0.3 + 0.3
    tints = 0.004 * torch.randn(1, 3, 24, 32, generator=generator)
    content = torch.rand(1, 3, 24, 32, generator=generator) * 0.5 + 0.25

    noise = match_colours(drawing + tints, content) - match_colours(drawing, content)

    assert noise.std() < 1.1 * MOST_GAIN * tints.std()


@pytest.mark.parametrize(
    "style",
    [flat(0.0, 0.0, 0.0), flat(0.9, 0.2, 0.4), luminance(muted(1)).repeat(1, 3, 1, 1), flat(1.0, 1.0, 1.0, size=1)],
)
@pytest.mark.parametrize("content", [flat(0.2, 0.3, 0.9), muted(0), luminance(muted(0)).repeat(1, 3, 1, 1)])
def test_flat_and_grey_pictures_are_mapped_too(style: Tensor, content: Tensor) -> None:
    """Their covariance has no inverse; the mean is right all the same."""
    found = match_colours(style, content)

    assert found.shape == style.shape
    assert torch.allclose(found.mean(dim=(2, 3)), content.mean(dim=(2, 3)), atol=1e-5)
