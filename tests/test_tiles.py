"""Painting block by block: the blocks cover the picture, and their gradient is the whole picture's."""

from typing import get_args

import pytest
import torch
from pictures import a_painting, a_photo

from engine import Options, Style, options
from engine.canvas import Canvas
from engine.coarse_to_fine import INGREDIENTS
from engine.encoders import EmbeddedEncoder
from engine.memory import Rung
from engine.step import BLEED
from engine.targets import MeasureCache, feature_maps
from engine.tiles import ALIGNMENT, plan_blocks


@pytest.fixture(scope="module")
def encoder() -> EmbeddedEncoder:
    """Untrained, in float32, where equal means equal."""
    torch.manual_seed(0)
    return EmbeddedEncoder().eval().requires_grad_(False)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (333, 200), (500, 1000), (401, 399), (1000, 33)])
def test_blocks_cover_every_pixel_once(height: int, width: int) -> None:
    """And see as far around themselves as the network looks."""
    blocks = plan_blocks(height, width, 192, 48)

    counted = torch.zeros(height, width)
    for block in blocks:
        counted[slice(*block.rows), slice(*block.columns)] += 1
        seen_height = block.seen_rows[1] - block.seen_rows[0]
        assert seen_height <= 192 + ALIGNMENT
        assert block.seen_rows[0] in (0, block.rows[0] - 48)
        assert block.seen_rows[1] in (height, block.rows[1] + 48)
        assert block.rows[0] % ALIGNMENT == block.columns[0] % ALIGNMENT == 0
    assert counted.unique().tolist() == [1.0]


def test_a_feature_map_put_together_from_blocks_is_the_whole_pictures(encoder: EmbeddedEncoder) -> None:
    """At odd sizes too, where poolings round down."""
    picture = torch.rand(1, 3, 237, 299)
    for layer in ("conv1_1", "conv3_1", "conv4_2"):
        whole = feature_maps(picture, encoder, Rung(torch.float32), [layer])[layer]
        pieced = feature_maps(picture, encoder, Rung(torch.float32, block_edge=160), [layer])[layer]
        assert torch.allclose(whole, pieced, atol=1e-5)


@pytest.mark.parametrize(
    "statistic",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "sliced")) for name in get_args(options.Statistic)],
)
@pytest.mark.parametrize("likeness", get_args(options.Likeness))
def test_the_gradient_block_by_block_is_the_whole_pictures(
    encoder: EmbeddedEncoder, statistic: options.Statistic, likeness: options.Likeness
) -> None:
    """With a mask, an odd size and every kind of loss: no seams, because nothing is different at them."""
    wishes = Options(statistic=statistic, likeness=likeness)
    mask = (torch.arange(48)[:, None] * torch.ones(64) * 5).to(torch.uint8).numpy()
    styles = [Style(a_painting(), mask=mask), Style(a_painting()[::-1].copy())]
    canvas = Canvas(a_photo(), styles, torch.device("cpu"), wishes, (225, 301), MeasureCache())
    slopes, losses = [], []
    for rung in (Rung(torch.float32), Rung(torch.float32, block_edge=256), Rung(torch.float32, checkpoints=True)):
        objective = canvas.objective(
            225,
            301,
            encoder,
            rung,
            content_weights={"conv4_2": 1.0},
            layer_weights=INGREDIENTS.layer_weights,
            smoothness_weight=1.0,
        )
        painted = 225 + 2 * BLEED, 301 + 2 * BLEED
        picture = torch.rand((1, 3, *painted), generator=torch.Generator().manual_seed(1)).requires_grad_()

        losses.append(objective.descend(picture, seed=4).total.item())

        slopes.append(torch.as_tensor(picture.grad))
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-4)
    for slope in slopes[1:]:
        assert (slope - slopes[0]).abs().max() < 1e-3 * slopes[0].abs().max()
