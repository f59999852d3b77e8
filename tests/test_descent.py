"""A painting that goes wrong on the way still ends with a picture, and one that is done early ends early."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from odd_encoders import OddEncoder
from pictures import a_painting, a_photo

import engine.coarse_to_fine
from engine import Options, Step, Style, stylize
from engine.coarse_to_fine import SCHEDULES, Schedule
from engine.descent import MOST_ROLLBACKS, Descent, Pace
from engine.encoders import EmbeddedEncoder, Encoder, Maps
from engine.objective import Terms
from engine.watch import LOOK_EVERY

NAN = float("nan")


class Slope:
    """An objective that asks for black, and at some iterations gives another loss."""

    def __init__(self, losses: dict[int, float] | None = None) -> None:
        self.losses = losses or {}
        self.iteration = 0

    def descend(self, picture: torch.Tensor, seed: int) -> Terms:
        self.iteration += 1
        loss = picture.detach().square().mean()
        odd = self.losses.get(self.iteration)
        broken = odd is not None and not math.isfinite(odd)
        picture.grad = torch.full_like(picture, NAN) if broken else 2 * picture.detach() / picture.numel()
        return Terms(loss if odd is None else torch.tensor(odd), torch.zeros(()), torch.zeros(()))


def descend(slope: Slope, iterations: int) -> Iterator[Descent]:
    descent = Descent(torch.full((1, 3, 4, 4), 0.9), Pace(rate=0.01))
    for _ in range(iterations):
        descent.step(slope, seed=0)  # type: ignore[arg-type]  # all that a descent asks of an objective
        yield descent


@pytest.mark.parametrize("odd", [NAN, float("inf"), 1e6])
def test_a_loss_that_breaks_or_climbs_puts_the_picture_back_to_where_all_was_well(odd: float) -> None:
    """At half the rate; and while nobody has looked yet, a broken picture is not shown."""
    well = [descent.shown().clone() for descent in descend(Slope(), 4 * LOOK_EVERY)]

    found = [
        (descent.shown().clone(), descent.rate, descent.rollbacks)
        for descent in descend(Slope({2 * LOOK_EVERY + 5: odd}), 4 * LOOK_EVERY)
    ]

    shown, rates, rollbacks = zip(*found, strict=True)
    assert all(bool(torch.isfinite(picture).all()) for picture in shown)
    assert torch.equal(shown[2 * LOOK_EVERY + 4], well[2 * LOOK_EVERY - 1])
    assert torch.equal(shown[3 * LOOK_EVERY - 1], well[2 * LOOK_EVERY - 1])
    assert (rates[0], rates[-1]) == (0.01, 0.005)
    assert rollbacks[-1] == 1
    assert float(shown[-1].mean()) < float(well[2 * LOOK_EVERY - 1].mean())


def test_what_never_heals_is_given_up() -> None:
    """After as many ways back as are worth trying; the picture is the last good one."""
    broken = Slope(dict.fromkeys(range(LOOK_EVERY + 1, 1000), NAN))

    iterations, descent = next(
        (iterations, descent) for iterations, descent in enumerate(descend(broken, 1000), start=1) if descent.is_lost
    )

    assert iterations == (MOST_ROLLBACKS + 2) * LOOK_EVERY
    assert torch.isfinite(descent.shown()).all()
    assert 0.7 < float(descent.shown().mean()) < 0.9


def test_a_step_waits_for_the_device_only_when_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number read at each iteration would leave a GPU idle in between."""
    reads = 0
    read = torch.Tensor.__bool__

    def counted(tensor: torch.Tensor) -> bool:
        nonlocal reads
        reads += 1
        return read(tensor)

    monkeypatch.setattr(torch.Tensor, "__bool__", counted)
    monkeypatch.setattr(torch.Tensor, "__float__", lambda tensor: counted(tensor) * 1.0)

    for _ in descend(Slope(), LOOK_EVERY - 1):
        assert reads == 0
    assert [reads for _ in descend(Slope(), LOOK_EVERY)][-1] > 0


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Untrained: what it sees does not matter here."""
    torch.manual_seed(0)
    return EmbeddedEncoder().eval().requires_grad_(False)


def paint(
    encoder: Encoder, options: Options, photo: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
) -> list[Step]:
    return list(stylize(photo, [Style(a_painting())], encoder, options))


def test_features_that_break_end_the_painting_with_the_last_good_picture(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever broke them: a driver, a damaged memory, an overflow in a low precision."""
    monkeypatch.setattr(engine.coarse_to_fine, "SCHEDULES", dict.fromkeys(SCHEDULES, Schedule(100, 100, 2.0)))
    calls = 0

    def broken_later(maps: Maps) -> Maps:
        nonlocal calls
        calls += 1
        return maps if calls < 25 else {layer: map_ * NAN for layer, map_ in maps.items()}

    steps = paint(OddEncoder(encoder, broken_later), Options(size=96), a_photo(72, 96))

    assert len(steps) < 100
    assert steps[-1].work == 1.0
    assert 10 < steps[-1].image().std() < 120
    assert np.abs(steps[-1].image().astype(int) - a_photo(72, 96)).mean() < 100


@pytest.mark.slow
def test_a_scale_that_has_settled_is_left_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four hundred iterations are too many for so small a picture; the progress stays true."""
    monkeypatch.setattr(engine.coarse_to_fine, "SCHEDULES", dict.fromkeys(SCHEDULES, Schedule(400, 400, 2.0)))
    options = Options(size=64, strength=5)

    steps = list(stylize(a_photo(48, 64), [Style(a_painting(48, 64))], EmbeddedEncoder.shipped(), options))

    assert len(steps) < 400
    assert {step.scale for step in steps} == {64}
    assert (steps[0].total, steps[-1].total) == (400, len(steps))
    assert steps[-1].work == 1.0
    assert all(before.work < after.work for before, after in pairwise(steps))
