"""What the loop costs beside the network: an iteration of a painting against the encoder's bare passes.

    .venv/bin/python tests/benchmarks/overhead.py --encoder vgg19 --size 512

A bare pass shows the encoder a picture of the same size and carries a slope from each layer that the recipe uses back
to the pixels: nothing is measured, nothing moves. With losses, the slopes are those of the recipe's objective. The
loop adds Adam, the average and the watch. The three take turns, iteration by iteration, so that a noisy machine is
noisy for all; the ratios of their medians are what is told. The claim under test: at 512 pixels the loop takes less
than a tenth more than bare passes.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, get_args

import torch
from one_scale import ONE_SCALE, PRECISIONS, EncoderName, clouds, untrained
from torch import Tensor

from engine import Options, Style, stylize
from engine.canvas import Canvas
from engine.coarse_to_fine import INGREDIENTS
from engine.encoders import Encoder
from engine.heap import keep_what_is_freed
from engine.images import Pixels
from engine.loading import prepare
from engine.memory import Rung
from engine.options import Statistic
from engine.step import to_tensor, widen
from engine.targets import MeasureCache

CLAIM: Final = 0.1
WARM_UP: Final = 2
"""Iterations that are not counted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row an encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", choices=get_args(EncoderName), help="both if none")
    parser.add_argument("--size", type=int, default=512, help="long edge in pixels, three to four")
    parser.add_argument("--statistic", choices=get_args(Statistic), default=Options.statistic)
    parser.add_argument("--precision", choices=PRECISIONS, help="the fastest here if none")
    parser.add_argument("--repeat", type=int, default=20, help="iterations")
    parser.add_argument("--quick", action="store_true", help="a tiny trial: it runs, and tells nothing")
    wishes = parser.parse_args(arguments)
    names: Sequence[EncoderName] = [wishes.encoder] if wishes.encoder else get_args(EncoderName)
    size, repeat = (64, 2) if wishes.quick else (wishes.size, wishes.repeat)
    keep_what_is_freed()
    print(f"{'encoder':10} {'precision':10} {'size':>9} {'network s':>10} {'losses':>8} {'loop':>8}")
    for name in names:
        print(measure(name, size, repeat, wishes.precision, wishes.statistic), flush=True)
    return 0


def measure(name: EncoderName, size: int, repeat: int, precision: str | None, statistic: Statistic) -> str:
    """The row of one encoder."""
    encoder: Encoder = prepare(untrained(name), torch.device("cpu"))
    if precision:
        encoder = encoder.thrifty(PRECISIONS[precision], checkpoints=False)
    height, width = round(size * 3 / 4), size
    photo, painting = clouds(height, width, seed=1), clouds(height, width, seed=2)
    options = Options(size=size, quality="fine", statistic=statistic)
    run = stylize(photo, [Style(painting)], encoder, options, ingredients=ONE_SCALE)
    bare = bare_pass(encoder, widen(to_tensor(photo, encoder.device)))
    losses = pass_with_losses(encoder, photo, painting, options)
    turns: list[list[float]] = [[], [], []]
    for _ in range(WARM_UP + repeat):
        for seconds, do in zip(turns, (bare, losses, lambda: next(run)), strict=True):
            seconds.append(seconds_of(do))
    network, with_losses, loop = (median(seconds[WARM_UP:]) for seconds in turns)
    return (
        f"{name:10} {str(encoder.precision).removeprefix('torch.'):10} {f'{width}×{height}':>9} {network:10.3f} "
        f"{100 * (with_losses / network - 1):7.1f}% {100 * (loop / network - 1):7.1f}%  "
        f"below {100 * CLAIM:.0f} %: {'yes' if loop / network < 1 + CLAIM else 'no'}"
    )


def pass_with_losses(encoder: Encoder, photo: Pixels, painting: Pixels, options: Options) -> Callable[[], object]:
    """As `bare_pass`, with all that the picture is compared with."""
    height, width = photo.shape[:2]
    canvas = Canvas(photo, [Style(painting)], encoder.device, options, (height, width), MeasureCache())
    objective = canvas.objective(
        height,
        width,
        encoder,
        Rung(encoder.precision),
        INGREDIENTS.content_weights,
        INGREDIENTS.layer_weights,
        INGREDIENTS.smoothness_weight,
    )
    picture = canvas.start(height, width).requires_grad_()
    return lambda: objective.descend(picture, seed=0)


def bare_pass(encoder: Encoder, picture: Tensor) -> Callable[[], None]:
    """To every layer that the recipe uses, and back."""
    used = {*INGREDIENTS.layer_weights, *INGREDIENTS.content_weights}
    layers = [layer for layer in encoder.layers if layer in used]
    picture.requires_grad_()
    slopes = {layer: torch.ones_like(map_.detach()) for layer, map_ in encoder(picture, layers).items()}

    def pass_() -> None:
        picture.grad = None
        maps = encoder(picture, layers)
        torch.autograd.backward([maps[layer] for layer in layers], [slopes[layer] for layer in layers])

    return pass_


def seconds_of(do: Callable[[], object]) -> float:
    """By the clock on the wall."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
