"""One scale painted in a process of its own, and what it cost: the part of benchmarks that weigh and clock.

    .venv/bin/python tests/benchmarks/one_scale.py embedded 1024 768 --rung "float32 blocks 512"

Prints one line of JSON. Pictures and weights are made on the spot: neither time nor memory depends on what they show.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final, Literal, get_args

import numpy as np
import psutil
import torch
from torch import Tensor

from engine import Options, Style, memory, stylize
from engine.coarse_to_fine import INGREDIENTS, Scale
from engine.encoders import VGG19, EmbeddedEncoder, Encoder, vgg19_shapes
from engine.heap import keep_what_is_freed
from engine.images import Pixels, resize
from engine.loading import prepare
from engine.options import Statistic

EncoderName = Literal["embedded", "vgg19"]
PRECISIONS: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16}
RUNGS: Final = {
    f"{name}{way}": rung
    for name, precision in PRECISIONS.items()
    for way, rung in (
        ("", memory.Rung(precision)),
        (" checkpoints", memory.Rung(precision, checkpoints=True)),
        *((f" blocks {edge}", memory.Rung(precision, block_edge=edge)) for edge in memory.BLOCK_EDGES),
    )
}
ONE_SCALE: Final = replace(INGREDIENTS, first_scale=10**6)
ITERATIONS: Final = 12
"""Past the first look, which keeps a copy of all that moves."""


@dataclass(frozen=True)
class Cost:
    """What one scale took."""

    rung: str
    seconds: float
    """Of one iteration, the median, the first left out."""
    peak_bytes: int
    """The most that the process held, above what it held before."""
    predicted_bytes: int
    process_bytes: int
    """The most that the process held, in all."""


def weigh(
    encoder: EncoderName,
    height: int,
    width: int,
    *,
    rung: str | None = None,
    limit_bytes: int | None = None,
    iterations: int = ITERATIONS,
    statistic: Statistic = Options.statistic,
) -> Cost:
    """Paint one scale in another process.

    Args:
        encoder: which one.
        height: of the scale, in pixels.
        width: of the scale.
        rung: one of `RUNGS`; the ladder chooses if None.
        limit_bytes: of the process.
        iterations: at most; the first is not counted.
        statistic: of the style.
    """
    command = [sys.executable, __file__, encoder, str(height), str(width), "--iterations", str(iterations)]
    command += ["--statistic", statistic]
    command += ["--rung", rung] if rung else []
    command += ["--limit", str(limit_bytes)] if limit_bytes else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Paint it here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", choices=get_args(EncoderName))
    parser.add_argument("height", type=int)
    parser.add_argument("width", type=int)
    parser.add_argument("--rung", choices=RUNGS)
    parser.add_argument("--limit", type=int, help="bytes that the process may take")
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--statistic", choices=get_args(Statistic), default=Options.statistic)
    wishes = parser.parse_args(arguments)
    print(json.dumps(asdict(_paint(wishes))))
    return 0


def _paint(wishes: argparse.Namespace) -> Cost:
    height, width = wishes.height, wishes.width
    rung = RUNGS[wishes.rung] if wishes.rung else None
    encoder: Encoder = prepare(untrained(wishes.encoder), torch.device("cpu"))
    if rung:
        encoder = encoder.thrifty(rung.precision, checkpoints=False)
    chosen = overhear_choices(rung)
    content, style = clouds(height, width, seed=1), clouds(height, width, seed=2)
    options = Options(
        size=max(height, width),
        quality="fine",  # or there would be fewer iterations than are asked for
        statistic=wishes.statistic,
        work_limit=1.001 * wishes.iterations * Scale(height, width, 1).work / 1e6,
        memory_limit_bytes=wishes.limit,
    )
    keep_what_is_freed()
    before = _forget_the_peak()
    run = stylize(content, [Style(style)], encoder, options, ingredients=ONE_SCALE)
    times = [time.perf_counter() for _ in run]
    seconds = median(after - before for before, after in pairwise(times))
    peak, last = peak_bytes(), chosen[-1]
    return Cost(
        rung=next(name for name, one in RUNGS.items() if one == last),
        seconds=seconds,
        peak_bytes=peak - before,
        predicted_bytes=memory.predict(encoder, last, *Scale(height, width, 1).painted),
        process_bytes=peak,
    )


def untrained(name: EncoderName) -> VGG19 | EmbeddedEncoder:
    """Of the right shape, which is all that costs."""
    torch.manual_seed(0)
    return EmbeddedEncoder.shipped() if name == "embedded" else VGG19(_any_weights())


def _any_weights() -> dict[str, Tensor]:
    return {name: 0.05 * torch.randn(shape) for name, shape in vgg19_shapes().items()}


def clouds(height: int, width: int, seed: int) -> Pixels:
    """Soft noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), np.uint8)
    return resize(noise, 16 * max(noise.shape))[:height, :width].copy()


def overhear_choices(forced: memory.Rung | None = None) -> list[memory.Rung]:
    """Every rung that is chosen from now on, as it is chosen; a forced one whatever it may need."""
    chosen: list[memory.Rung] = []
    choose = memory.choose

    def overheard(encoder: Encoder, height: int, width: int, free_bytes: float) -> memory.Rung | None:
        rung = forced or choose(encoder, height, width, free_bytes)
        if rung:
            chosen.append(rung)
        return rung

    memory.choose = overheard
    return chosen


def _forget_the_peak() -> int:
    """What the process holds now, from which its peak is counted anew. Linux only."""
    Path("/proc/self/clear_refs").write_text("5")
    held: int = psutil.Process().memory_info().rss
    return held


def peak_bytes() -> int:
    """The most that this process held so far. Linux only."""
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    sys.exit(main())
