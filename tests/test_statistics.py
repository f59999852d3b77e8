"""Three ways to compare styles, against numbers worked out by hand and against each other."""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor

from engine import options
from engine.losses import gram_matrix
from engine.roots import root_by_eigenvalues, root_by_products, trace_of_root
from engine.statistics import CLOUD, STATISTICS, Piece, mix

ALL = get_args(options.Statistic)
SEED = 3


def whole(features: Tensor) -> Piece:
    return Piece(features, 0, 0, (features.shape[-2], features.shape[-1]))


def distance(name: options.Statistic, found: Tensor, wanted: Tensor) -> Tensor:
    statistic = STATISTICS[name]
    aim = statistic.towards(statistic.measure(whole(wanted), None, SEED))
    return aim(statistic.measure(whole(found), None, SEED), SEED)


def noise(seed: int, channels: int = 5, height: int = 16, width: int = 12) -> Tensor:
    return torch.randn((1, channels, height, width), generator=torch.Generator().manual_seed(seed)) + 1


@pytest.mark.parametrize("name", ALL)
def test_a_style_is_no_distance_from_itself(name: options.Statistic) -> None:
    """Else the painting itself would be pulled away from its own style."""
    assert distance(name, noise(1), noise(1)).item() == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("name", ALL)
def test_distances_have_no_unit(name: options.Statistic) -> None:
    """An encoder that answers a hundred times as strongly finds the same distance."""
    near, far = noise(1), noise(2) * 2

    assert distance(name, 100 * near, 100 * far).item() == pytest.approx(distance(name, near, far).item(), rel=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_about_one_away(name: options.Statistic) -> None:
    """So that a weight of one means the same at every layer."""
    assert distance(name, torch.zeros(1, 5, 16, 12), noise(2)).item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", ALL)
def test_a_flat_style_keeps_losses_and_slopes_finite(name: options.Statistic) -> None:
    """A painting of one colour has no variance, where a square root is infinitely steep."""
    for wanted in (torch.zeros(1, 5, 8, 8), torch.ones(1, 5, 8, 8)):
        for found in (noise(1), torch.ones(1, 5, 8, 8), torch.zeros(1, 5, 8, 8)):
            picture = found.clone().requires_grad_()
            away = distance(name, picture, wanted)
            away.backward()
            assert torch.isfinite(away)
            assert torch.isfinite(torch.as_tensor(picture.grad)).all()


@pytest.mark.parametrize("name", ALL)
def test_descending_a_distance_brings_it_down(name: options.Statistic) -> None:
    """The slope points the right way."""
    wanted, picture = noise(2) * 3, noise(1).requires_grad_()
    before = distance(name, picture, wanted)
    before.backward()

    slope = torch.as_tensor(picture.grad)
    after = distance(name, picture.detach() - 0.1 * slope / slope.norm(), wanted)

    assert after < before


@pytest.mark.parametrize("name", ALL)
def test_what_is_measured_adds_up_over_the_pieces_of_a_map(name: options.Statistic) -> None:
    """What makes painting block by block exact."""
    features, statistic = noise(1), STATISTICS[name]
    guide = torch.rand(16, 12)
    guide /= guide.sum()
    for weights in (None, guide):
        measured = statistic.measure(whole(features), weights, SEED)

        parts = [
            statistic.measure(Piece(features[..., top : top + 8, left : left + 4], top, left, (16, 12)), weights, SEED)
            for top in (0, 8)
            for left in (0, 4, 8)
        ]

        assert torch.allclose(torch.stack(parts).sum(dim=0), measured, atol=1e-5)


def test_the_gram_statistic_is_the_gram_matrix() -> None:
    """Its first columns; the last one is the mean."""
    features = noise(1)

    measured = STATISTICS["gram"].measure(whole(features), None, SEED)

    assert torch.allclose(measured[:, :-1], gram_matrix(features)[0], atol=1e-5)
    assert torch.allclose(measured[:, -1], features.mean(dim=(0, 2, 3)), atol=1e-5)


def test_the_slope_of_the_measure_is_autograds() -> None:
    """Written by hand for the sake of memory, so held against what torch derives."""
    features = noise(1)
    guide = torch.rand(16, 12)
    upstream = torch.rand(5, 6)
    for weights in (None, guide):
        ours, torchs = features.clone().requires_grad_(), features.clone().requires_grad_()

        (STATISTICS["gram"].measure(whole(ours), weights, SEED) * upstream).sum().backward()

        flat = torchs[0].flatten(1)
        share = torch.full((192,), 1 / 192) if weights is None else weights.flatten()
        second, mean = (flat * share) @ flat.T, (flat * share).sum(dim=1)
        (torch.cat([second, mean[:, None]], dim=1) * upstream).sum().backward()
        assert torch.allclose(torch.as_tensor(ours.grad), torch.as_tensor(torchs.grad), atol=1e-5)


def test_the_moments_distance_of_two_shifted_clouds_is_the_shift() -> None:
    """Wasserstein-2 of two equal Gaussians two apart in one of two channels: 4, over the target's energy."""
    features = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    shifted = features + torch.tensor([2.0, 0.0]).view(1, 2, 1, 1)

    away = distance("moments", shifted, features)

    assert away.item() == pytest.approx(4 / features.square().mean().item() / 2, rel=1e-2)


@pytest.mark.parametrize("name", ALL)
def test_features_that_are_no_numbers_make_a_loss_that_is_none(name: options.Statistic) -> None:
    """Not an error: a descent goes back from it to where all was well."""
    broken = noise(1) * torch.nan

    assert distance(name, broken, noise(2)).isnan()


@pytest.mark.parametrize("root", [root_by_eigenvalues, root_by_products])
@pytest.mark.parametrize("rank", [3, 40])
def test_both_ways_to_a_root_are_right(root: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], rank: int) -> None:
    """The trace, and the inverse, by which it slopes; also where most directions have no variance at all."""
    features = torch.randn((24, rank), generator=torch.Generator().manual_seed(0)) * torch.logspace(0, -3, 24)[:, None]
    covariance, floor = features @ features.T / rank, torch.tensor(1e-6)

    trace, inverse = root(covariance, floor)

    values, vectors = torch.linalg.eigh(covariance.double() + 1e-6 * torch.eye(24))
    assert trace.item() == pytest.approx(values.sqrt().sum().item(), rel=1e-2)
    assert (inverse - (vectors / values.sqrt()) @ vectors.T).norm() < 0.05 * inverse.norm()


def test_the_slope_of_the_trace_of_a_root_is_autograds() -> None:
    """Written by hand, so held against what torch derives through eigenvalues."""
    features = noise(1, channels=6).flatten(start_dim=2)[0]
    covariance, floor = features @ features.T / 100, torch.tensor(1e-3)
    ours, torchs = covariance.clone().requires_grad_(), covariance.clone().requires_grad_()

    (3 * trace_of_root(ours, floor)).backward()

    (3 * (torch.linalg.eigvalsh(torchs) + 1e-3).sqrt().sum()).backward()
    assert torch.allclose(torch.as_tensor(ours.grad), torch.as_tensor(torchs.grad), rtol=1e-3, atol=1e-4)


def test_a_guide_looks_only_where_it_points() -> None:
    """A mask's style must not be measured elsewhere."""
    features = torch.cat([torch.ones(1, 3, 4, 4), torch.full((1, 3, 4, 4), 9.0)], dim=-1)
    left = torch.cat([torch.full((4, 4), 1 / 16), torch.zeros(4, 4)], dim=-1)
    for name in ALL:
        measured = STATISTICS[name].measure(whole(features), left, SEED)
        assert measured.unique().tolist() == pytest.approx([1.0])


def test_styles_are_mixed_by_their_weights() -> None:
    """Three parts of ones and one part of fives are twos; of clouds, three quarters of the points."""
    ones, fives = torch.ones(2, 3), torch.full((2, 3), 5.0)
    assert mix([ones, fives], [3.0, 1.0], "gram").unique().tolist() == [2.0]

    cloud = mix([torch.ones(2, CLOUD), torch.full((2, CLOUD), 5.0)], [3.0, 1.0], "sliced")

    assert cloud.shape == (2, CLOUD)
    assert cloud.mean().item() == pytest.approx(2.0)


def test_features_of_low_precision_are_summed_in_float32() -> None:
    """Summed in bfloat16, 65 536 ones would stop counting at 256."""
    measured = STATISTICS["gram"].measure(whole(torch.ones(1, 1, 256, 256, dtype=torch.bfloat16)), None, SEED)

    assert measured.dtype is torch.float32
    assert measured.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("name", ALL)
def test_a_measure_led_through_a_head_is_that_of_the_heads_own_map(name: options.Statistic) -> None:
    """The distance, and its slope along the features, cost less and are the same."""
    statistic = STATISTICS[name]
    head = torch.nn.Conv2d(6, 4, 1).requires_grad_(False)
    painting, features = torch.rand(1, 6, 11, 13), torch.rand(1, 6, 12, 9)
    distances, slopes = [], []

    for before in (True, False):
        leaf = features.clone().requires_grad_()
        wanted, found = (
            statistic.measure(whole(map_ if before else head(map_)), None, seed=5) for map_ in (painting, leaf)
        )
        distance = statistic.towards(wanted, head if before else None)(found, 5)
        distance.backward()
        distances.append(distance.detach())
        slopes.append(leaf.grad)

    assert distances[0] > 1e-3
    torch.testing.assert_close(*distances, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(*slopes, rtol=1e-2, atol=1e-4)
