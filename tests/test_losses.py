"""Each term of the loss, against numbers worked out by hand."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.gatys import CONTENT_WEIGHT, STYLE_LAYER_WEIGHTS, STYLE_WEIGHT, raw_gram_matrix, style_loss
from engine.losses import gram_matrix, relative_distance, squared_distance, total_variation


def two_constant_channels() -> Tensor:
    """Channels of 2 and 3 everywhere, on 2×2 pixels."""
    return torch.tensor([2.0, 3.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2)


def test_the_gram_matrix_is_the_mean_product_of_two_channels() -> None:
    """2·2, 2·3 and 3·3 at every pixel, so also in the mean: the size of the picture drops out."""
    gram = gram_matrix(two_constant_channels())

    assert gram.tolist() == [[[4.0, 6.0], [6.0, 9.0]]]


def test_the_gram_matrix_forgets_where_things_are() -> None:
    """Style is which textures occur, not where: shuffling the pixels changes nothing."""
    features = torch.rand(1, 3, 4, 4)
    shuffled = features.flatten(2)[..., torch.randperm(16)].view(1, 3, 4, 4)

    assert torch.allclose(gram_matrix(features), gram_matrix(shuffled))


def test_the_gram_matrix_of_bfloat16_features_is_summed_in_float32() -> None:
    """Summed in bfloat16, 65 536 ones would stop counting at 256."""
    ones = torch.ones(1, 1, 256, 256, dtype=torch.bfloat16)

    gram = gram_matrix(ones)

    assert gram.dtype is torch.float32
    assert gram.item() == 1.0


def test_the_gram_matrix_refuses_features_without_a_batch() -> None:
    """A programmer's mistake shows the shape that came."""
    with pytest.raises(ValueError, match=r"got \(3, 4, 4\)"):
        gram_matrix(torch.zeros(3, 4, 4))


def test_the_relative_distance_has_no_unit() -> None:
    """(3-1)² + (4-2)² = 8 over 1² + 2² = 5; and the same for an encoder that answers a hundred times as strongly."""
    found, target = torch.tensor([3.0, 4.0]), torch.tensor([1.0, 2.0])

    assert relative_distance(found, target).item() == pytest.approx(1.6)
    assert relative_distance(100 * found, 100 * target).item() == pytest.approx(1.6)


def test_the_relative_distance_to_nothing_is_finite() -> None:
    """A black style must not divide by zero."""
    assert torch.isfinite(relative_distance(torch.zeros(3), torch.zeros(3)))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_squared_distance_and_its_slope_are_torchs_own(precision: torch.dtype) -> None:
    """Written by hand for speed alone."""
    generator = torch.Generator().manual_seed(0)
    found, target = (torch.randn(1, 3, 6, 5, generator=generator).to(precision) for _ in range(2))
    ours, torchs = (found.clone().requires_grad_() for _ in range(2))

    distance = squared_distance(ours, target)
    expected = functional.mse_loss(torchs.float(), target.float(), reduction="sum")
    (3 * distance).backward()
    (3 * expected).backward()

    rough = precision == torch.bfloat16
    torch.testing.assert_close(distance, expected, rtol=1e-2 if rough else 1e-5, atol=0)
    torch.testing.assert_close(ours.grad, torchs.grad, rtol=2e-2 if rough else 1e-5, atol=1e-2 if rough else 1e-6)


def test_the_squared_distance_of_a_map_to_itself_has_no_slope() -> None:
    """Zero, not the no-number that the slope of a norm has there."""
    found = torch.ones(1, 2, 3, 3, requires_grad=True)

    squared_distance(found, found.detach().clone()).backward()

    assert found.grad is not None
    assert not found.grad.any()


def test_a_checkerboard_has_a_total_variation_of_two() -> None:
    """Every neighbour differs by one, across and down: 1 + 1, at any size."""
    for edge in (4, 8):
        board = (torch.arange(edge)[:, None] + torch.arange(edge)[None]) % 2
        assert total_variation(board.float().expand(1, 3, edge, edge)).item() == pytest.approx(2.0)


def test_a_flat_picture_has_no_total_variation() -> None:
    """Nothing is smoother than one colour."""
    assert total_variation(torch.full((1, 3, 5, 7), 0.3)).item() == 0.0


def test_the_articles_gram_matrix_is_a_plain_sum_over_pixels() -> None:
    """As the article writes it: nothing is divided; four pixels of 2·2, 2·3 and 3·3."""
    assert raw_gram_matrix(two_constant_channels()).tolist() == [[16.0, 24.0], [24.0, 36.0]]


def test_the_articles_style_loss_is_divided_by_the_feature_maps_size() -> None:
    """Gram matrices off by 8 everywhere: 64 · weight / (channels · height · width = 8), added over the five layers."""
    found = dict.fromkeys(STYLE_LAYER_WEIGHTS, two_constant_channels())
    targets = {layer: raw_gram_matrix(features) - 8 for layer, features in found.items()}

    loss = style_loss(found, targets)

    assert loss.item() == pytest.approx(64 * (0.75 + 0.5 + 0.2 + 0.2 + 0.2) / 8)


def test_the_articles_weights_are_the_articles() -> None:
    """The yardstick must not drift."""
    assert STYLE_LAYER_WEIGHTS == {"conv1_1": 0.75, "conv2_1": 0.5, "conv3_1": 0.2, "conv4_1": 0.2, "conv5_1": 0.2}
    assert (CONTENT_WEIGHT, STYLE_WEIGHT) == (1e4, 1e2)
