"""Steps that go equally far in every direction of a matrix."""

import math

import pytest
import torch
from torch import nn

from engine.muon import ADAMS_LENGTH, Muon, even


@pytest.mark.parametrize("shape", [(24, 60), (60, 24), (24, 24)])
def test_directions_stay_and_become_of_one_strength(shape: tuple[int, int]) -> None:
    """Between 0.6 and 1.25, from strengths that were four hundred to one; in the same planes."""
    torch.manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(edge, 24)).Q for edge in shape)
    strengths = torch.logspace(0, -2.6, 24)

    evened = even(left @ torch.diag(strengths) @ right.T)

    found = left.T @ evened @ right
    assert found.diagonal().min() > 0.6
    assert found.diagonal().max() < 1.25
    assert (found - torch.diag(found.diagonal())).abs().max() < 1e-3


def test_nothing_is_asked_of_a_weight_without_a_slope() -> None:
    """It stays; and so does one whose slope is zero, instead of becoming no number."""
    weights = [nn.Parameter(torch.randn(4, 3, 3, 3)) for _ in range(2)]
    before = [weight.detach().clone() for weight in weights]
    weights[1].grad = torch.zeros_like(weights[1])

    Muon(weights, rate=0.1).step()

    assert all(torch.equal(weight, was) for weight, was in zip(weights, before, strict=True))


def test_a_step_is_as_long_as_one_of_adams() -> None:
    """So that rates that were found for Adam serve."""
    weight = nn.Parameter(torch.zeros(16, 8, 3, 3))
    weight.grad = torch.randn_like(weight)

    Muon([weight], rate=0.01).step()

    length = weight.detach().square().mean().sqrt().item()
    assert length == pytest.approx(0.01 * ADAMS_LENGTH * math.sqrt(max(16, 72) * 16 / weight.numel()), rel=0.2)


def test_what_only_few_lessons_ask_for_is_learned_too() -> None:
    """A regression whose inputs differ in strength by a hundred: Adam, at the same rate, is far behind."""
    errors = {}
    for name in ("muon", "adam"):
        luck = torch.Generator().manual_seed(0)
        turn = torch.linalg.qr(torch.randn(16, 16, generator=luck)).Q
        inputs = torch.randn(400, 16, generator=luck) * torch.logspace(0, -2, 16) @ turn
        wanted = torch.randn(8, 16, generator=luck)
        weight = nn.Parameter(torch.zeros(8, 16))
        optimizer = Muon([weight], 0.1) if name == "muon" else torch.optim.Adam([weight], 0.1 * ADAMS_LENGTH)
        for _ in range(300):
            optimizer.zero_grad()
            (inputs @ (weight - wanted).T).square().mean().backward()
            optimizer.step()
        errors[name] = (turn @ (weight.detach() - wanted).T).square().mean().item()

    assert errors["muon"] < errors["adam"] / 2


def test_it_goes_on_from_its_state() -> None:
    """As if it had never stopped."""
    slopes = [torch.randn(6, 5) for _ in range(4)]
    through, stopped = (nn.Parameter(torch.zeros(6, 5)) for _ in range(2))
    ran, first = Muon([through], 0.1), Muon([stopped], 0.1)
    for slope in slopes:
        through.grad = slope
        ran.step()
    for slope in slopes[:2]:
        stopped.grad = slope
        first.step()

    second = Muon([stopped], 0.1)
    second.load_state_dict(first.state_dict())
    for slope in slopes[2:]:
        stopped.grad = slope
        second.step()

    assert torch.equal(through, stopped)
