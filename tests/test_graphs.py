"""CUDA graphs: the wiring is tested everywhere, the real thing where there is a GPU."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
import torch
from pictures import a_painting, a_photo
from torch import Tensor

from engine import Options, Style, load_encoder, stylize
from engine.encoders import EmbeddedEncoder
from engine.graphs import captured

Passes = Callable[[Tensor], tuple[Tensor, ...]]
CPU: Final = torch.device("cpu")
LAYERS: Final = EmbeddedEncoder.layers


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes that were captured; capturing leaves the passes as they are."""
    shapes: list[tuple[int, ...]] = []

    def make_graphed_callables(passes: Passes, samples: tuple[Tensor]) -> Passes:
        shapes.append(tuple(samples[0].shape))
        return passes

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make_graphed_callables)
    return shapes


def test_a_captured_encoder_gives_the_same_maps(capture: list[tuple[int, ...]]) -> None:
    """By the same names, captured once for all calls."""
    encoder = EmbeddedEncoder.shipped()
    picture = torch.rand((1, 3, 48, 64))
    look = captured(encoder, CPU, LAYERS, 48, 64)

    twice = [look(picture, LAYERS) for _ in range(2)]

    assert capture == [(1, 3, 48, 64)]
    assert list(twice[1]) == list(LAYERS)
    assert all(
        torch.equal(found, expected)
        for found, expected in zip(twice[1].values(), encoder(picture, LAYERS).values(), strict=True)
    )


def test_layers_that_were_not_captured_are_a_programmers_mistake(capture: list[tuple[int, ...]]) -> None:
    """A replay gives what was captured, whatever is asked for."""
    look = captured(EmbeddedEncoder.shipped(), CPU, LAYERS, 48, 64)

    with pytest.raises(ValueError, match="captured for"):
        look(torch.rand((1, 3, 48, 64)), ["conv1_1"])


@pytest.mark.parametrize(
    ("error", "is_told"),
    [(RuntimeError("operation not permitted when stream is capturing"), False), (torch.OutOfMemoryError(), True)],
)
def test_where_capture_fails_the_encoder_goes_on_as_it_is(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError, is_told: bool
) -> None:
    """Except for a full memory, which the ladder has an answer to."""

    def make_graphed_callables(*_: Any) -> Passes:  # Any: it never looks
        raise error

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make_graphed_callables)
    encoder = EmbeddedEncoder.shipped()

    if is_told:
        with pytest.raises(torch.OutOfMemoryError):
            captured(encoder, CPU, LAYERS, 48, 64)
    else:
        assert captured(encoder, CPU, LAYERS, 48, 64) is encoder


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_paints_what_a_cpu_paints() -> None:
    """With graphs, in its own precision."""
    pictures = []
    for device in ("cpu", "cuda"):
        *_, last = stylize(a_photo(), [Style(a_painting())], load_encoder("embedded", device=device), Options(size=96))
        pictures.append(last.image().astype(float))

    assert np.abs(pictures[0] - pictures[1]).mean() < 20
