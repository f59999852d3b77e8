"""The benchmarks' judge and their memory: what a score must do for its number to mean anything."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from ablation import at_equal_content
from easel import Measured
from records import Found, Records
from scorer import Score, Scorer, cielab, edge_distance, grain_ratio, palette_distance

from engine.images import Pixels

WEIGHTS = Path(__file__).parents[2] / "shared" / "weights" / "vgg19.safetensors"


def drawing(seed: int = 1, height: int = 60, width: int = 72) -> Tensor:
    """Smooth blobs of colour; shape (1, 3, height, width), 0.1..0.9."""
    coarse = torch.rand((1, 3, 6, 7), generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False) * 0.8 + 0.1


def noisy(picture: Tensor) -> Tensor:
    return (picture + 0.05 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(5))).clamp(0, 1)


def pixels(picture: Tensor) -> Pixels:
    return np.asarray((picture[0].permute(1, 2, 0) * 255).round().byte())


def test_cielab_agrees_with_published_colours() -> None:
    """Lindbloom's calculator: sRGB red is (53.24, 80.09, 67.20); white and black have no colour."""
    colours = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]).T[None, :, :, None]

    found = cielab(colours).T

    assert found[0].tolist() == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    assert found[1].tolist() == pytest.approx([100, 0, 0], abs=0.05)
    assert found[2].tolist() == pytest.approx([0, 0, 0], abs=0.05)


def test_a_picture_has_its_own_edges_palette_and_grain() -> None:
    """A perfect score is there to be had."""
    picture = drawing()

    assert edge_distance(picture, picture) == pytest.approx(0, abs=1e-5)
    assert palette_distance(picture, picture) == 0
    assert grain_ratio(picture, picture) == 1


def test_a_recoloured_picture_keeps_its_edges_but_not_its_palette() -> None:
    """Whoever compares the two must be able to tell paint from drawing."""
    picture = drawing()
    lightness = (picture * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    recoloured = lightness * torch.tensor([1.0, 0.9, 0.5]).view(1, 3, 1, 1)

    assert edge_distance(recoloured, picture) < 0.02
    assert palette_distance(recoloured, picture) > 10


def test_shuffled_pixels_keep_their_palette_and_lose_their_edges() -> None:
    """Colours count wherever they are, edges where they are."""
    picture = drawing()
    order = torch.randperm(60 * 72, generator=torch.Generator().manual_seed(3))
    shuffled = picture.flatten(start_dim=2)[..., order].reshape(picture.shape)

    assert palette_distance(shuffled, picture) == pytest.approx(0, abs=1e-4)
    assert edge_distance(shuffled, picture) > 0.8


def test_nothing_is_found_of_a_photos_edges_in_a_flat_picture() -> None:
    """It has none; and a score that is no number would spoil every mean."""
    flat = torch.full((1, 3, 60, 72), 0.5)

    assert edge_distance(flat, drawing()) == pytest.approx(1)
    assert grain_ratio(drawing(), flat) > 1


def test_greys_that_are_ten_apart_are_ten_apart() -> None:
    """The palette's unit is the eye's, whichever way the colours differ, and sizes need not agree."""
    dark, light = (torch.full((1, 3, edge, edge), level) for edge, level in ((20, 0.4663), (33, 0.5685)))
    apart = float(cielab(light)[0].mean() - cielab(dark)[0].mean())

    assert apart == pytest.approx(10, abs=0.3)
    assert palette_distance(dark, light) == pytest.approx(apart, rel=0.05)


def test_noise_is_grain() -> None:
    """The mechanical texture that networks like and eyes do not."""
    picture = drawing()

    assert grain_ratio(noisy(picture), picture) > 10


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    if not WEIGHTS.is_file():
        pytest.skip("needs VGG-19 beside the project")
    return Scorer(WEIGHTS)


@pytest.mark.slow
def test_the_painting_itself_has_the_best_style_and_the_photo_the_best_content(scorer: Scorer) -> None:
    """Both ends of what a picture trades off."""
    photo, painting = pixels(drawing(1)), pixels(noisy(drawing(2)))

    as_painting = scorer.score(painting, photo, painting)
    as_photo = scorer.score(photo, photo, painting)

    assert as_painting.style == pytest.approx(0, abs=1e-3)
    assert as_photo.content == pytest.approx(0, abs=1e-3)
    assert as_photo.style > 10 * as_painting.style + 0.05
    assert as_painting.content > 0.3


def measured(style: float, content: float) -> Measured:
    return Measured(Score(style=style, content=content, edges=0, palette=0, grain=1), seconds=0)


def test_a_variant_on_the_defaults_own_curve_gains_and_loses_nothing() -> None:
    """Else an ingredient would be praised for what a stronger setting does too."""
    curve = [measured(style=0.8 * 0.1**content, content=content) for content in (0.7, 0.2, 0.4)]

    for content, is_beyond in ((0.1, True), (0.3, False), (0.4, False), (0.65, False), (0.9, True)):
        there = 0.8 * 0.1**content
        for factor in (1, 2):
            ratio, is_outside = at_equal_content(measured(factor * there, content), curve)
            assert ratio == pytest.approx(factor)
            assert is_outside == is_beyond


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    """A run of hours goes on where it was stopped, whatever the order of the key's words."""
    asked = []

    def measure() -> Found:
        asked.append(1)
        return {"style": 0.25}

    Records(tmp_path / "new" / "runs.jsonl").once({"content": "amber", "size": 64}, measure)

    again = Records(tmp_path / "new" / "runs.jsonl").once({"size": 64, "content": "amber"}, measure)
    Records(tmp_path / "new" / "runs.jsonl").once({"size": 65, "content": "amber"}, measure)
    Records(tmp_path / "new" / "runs.jsonl", fresh=True).once({"size": 64, "content": "amber"}, measure)

    assert again == {"style": 0.25}
    assert len(asked) == 3


def test_a_line_torn_by_a_power_cut_costs_that_line_only(tmp_path: Path) -> None:
    """What comes after it must not be written onto its end."""
    path = tmp_path / "runs.jsonl"
    Records(path).once({"size": 1}, lambda: {"style": 1})
    with path.open("a") as file:
        file.write('{"key": {"size": 2}, "fou')

    Records(path).once({"size": 3}, lambda: {"style": 3})
    after = Records(path)

    assert after.once({"size": 1}, lambda: {"style": -1}) == {"style": 1}
    assert after.once({"size": 2}, lambda: {"style": -2}) == {"style": -2}
    assert after.once({"size": 3}, lambda: {"style": -3}) == {"style": 3}
