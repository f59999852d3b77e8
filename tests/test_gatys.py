"""The seed article's recipe with the real VGG-19, where its weights are at hand."""

import math
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from pictures import a_painting, a_photo
from torch import Tensor

from engine import Options, Style, gatys, load_encoder, stylize
from engine.options import Optimizer

WEIGHTS = Path(__file__).parents[2] / "shared" / "weights" / "vgg19.safetensors"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not WEIGHTS.is_file(), reason="needs a VGG-19 file beside the project"),
]


def test_content_and_style_both_count_in_the_articles_loss() -> None:
    """Its weights 1e4 and 1e2 hold on torchvision's scale; on Oxford's own, style alone would count."""
    options = Options(size=96, recipe="gatys")
    steps = stylize(a_photo(72, 96), [Style(a_painting(72, 96))], load_encoder(weights=WEIGHTS), options)

    losses = [step.losses() for step in islice(steps, 150) if step.iteration % 50 == 0]

    shares = [loss.style / loss.total for loss in losses]
    assert len(shares) == 3
    assert all(0.5 < share < 0.8 for share in shares), shares


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_both_optimisers_lower_the_articles_loss_from_the_content(optimizer: Optimizer) -> None:
    """The article says that either may be used; L-BFGS needs a contiguous picture."""
    options = Options(size=64, recipe="gatys", start="content", optimizer=optimizer)
    steps = stylize(a_photo(), [Style(a_painting())], load_encoder(weights=WEIGHTS), options)

    totals = [step.losses().total for step in islice(steps, 40)]

    assert all(math.isfinite(total) for total in totals)
    assert totals[-1] < 0.95 * totals[0]


def test_the_articles_recipe_has_the_articles_iterations() -> None:
    """Four hundred, at one scale."""
    steps = stylize(a_photo(), [Style(a_painting())], load_encoder(weights=WEIGHTS), Options(size=64, recipe="gatys"))

    first = next(steps)

    assert (first.iteration, first.total, first.scale) == (1, 400, 64)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_loss_that_is_no_number_never_reaches_the_picture(
    optimizer: Optimizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Back to where all was well, and on from there with Adam."""
    calls = 0

    def sometimes_broken(found: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        nonlocal calls
        calls += 1
        return gatys_style_loss(found, targets) * (float("nan") if calls == 15 else 1.0)

    gatys_style_loss = gatys.style_loss
    monkeypatch.setattr(gatys, "style_loss", sometimes_broken)
    options = Options(size=64, recipe="gatys", start="content", optimizer=optimizer)
    steps = stylize(a_photo(), [Style(a_painting())], load_encoder(weights=WEIGHTS), options)

    shown = [(step.image(), step.losses().total) for step in islice(steps, 30)]

    after_10, after_16, after_20 = (shown[number - 1][0] for number in (10, 16, 20))
    np.testing.assert_array_equal(after_16, after_10)
    assert not math.isfinite(shown[15][1])
    np.testing.assert_array_equal(after_20, after_10)
    assert all(math.isfinite(total) for _, total in shown[20:])
    assert shown[-1][1] < shown[9][1]
