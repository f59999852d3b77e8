"""How much memory a scale will take, told before it is painted, and what to give up where there is not enough.

The ladder, from what costs nothing to what costs most: the encoder in a lower precision, if this machine is fast in it,
activations that are computed twice instead of kept, the picture in blocks (exact, `engine.tiles`), and last, by the
caller, a smaller picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import torch

from engine.encoders import Encoder
from engine.heap import give_back
from engine.tiles import plan_blocks

BLOCK_EDGES: Final = (2048, 1536, 1024, 768, 512)
"""Of what a block sees, in pixels, largest first: the larger, the less is seen twice."""


@dataclass(frozen=True)
class Appetite:
    """What painting with an encoder takes at its highest, at some precision."""

    fixed: int
    """Bytes, whatever the size: the libraries' buffers and the network's weights in their order."""
    picture: int
    """Bytes per pixel of the whole picture: the picture itself, its gradient, two moments, the average, the copies of
    all of them from when all was well, and what the photo's own features are."""
    network: int
    """Bytes per pixel that the encoder sees at once: feature maps, their gradients, what the losses make of them."""


APPETITES: Final = {
    ("embedded", 2, False): Appetite(150 * 2**20, 315, 310),
    ("embedded", 2, True): Appetite(145 * 2**20, 315, 80),
    ("embedded", 4, False): Appetite(145 * 2**20, 325, 665),
    ("embedded", 4, True): Appetite(141 * 2**20, 325, 277),
    ("vgg19", 2, False): Appetite(20 * 2**20, 405, 1450),
    ("vgg19", 2, True): Appetite(10 * 2**20, 405, 460),
    ("vgg19", 4, False): Appetite(148 * 2**20, 626, 2499),
    ("vgg19", 4, True): Appetite(10 * 2**20, 626, 1087),
}
"""By encoder, bytes of a number, and whether it uses checkpoints. Measured on CPUs by `tests/benchmarks/one_scale.py`,
from 256×384 to 896×1152 pixels and in blocks to 4 megapixels (VGG-19: 1.5), and seen to hold to 16, with a heap that
keeps what is freed, but for checkpoints, where it returns it at once: half of what they save would lie between the rest
otherwise."""
OTHER_ENCODER: Final = "vgg19"
"""Whose figures are taken for an encoder that has none: the larger one's."""

RESERVE: Final = 0.9
"""Share of what is left that is planned with: other programs breathe, and a prediction may be off by a tenth."""


@dataclass(frozen=True)
class Rung:
    """One way to paint a scale."""

    precision: torch.dtype
    checkpoints: bool = False
    block_edge: int | None = None
    """The largest edge of what a block sees, in pixels; None: the picture in one piece."""

    def equip(self, encoder: Encoder) -> Encoder:
        """The encoder as this rung runs it."""
        return encoder.thrifty(self.precision, checkpoints=self.checkpoints)


def ladder(encoder: Encoder) -> Iterator[Rung]:
    """Every way to paint with this encoder, the fastest first."""
    yield Rung(encoder.precision)
    low = encoder.spare_precision or encoder.precision
    if low != encoder.precision:
        yield Rung(low)
    yield Rung(low, checkpoints=True)
    for edge in BLOCK_EDGES:
        yield Rung(low, block_edge=edge)


def predict(encoder: Encoder, rung: Rung, height: int, width: int) -> int:
    """Bytes that painting at this size takes at its highest, above what the process holds already."""
    seen = max(block.seen_area for block in plan_blocks(height, width, rung.block_edge, encoder.reach))
    key = encoder.name, rung.precision.itemsize, rung.checkpoints
    appetite = APPETITES.get(key) or APPETITES[(OTHER_ENCODER, *key[1:])]
    return appetite.fixed + appetite.picture * height * width + appetite.network * seen


def choose(encoder: Encoder, height: int, width: int, free_bytes: float) -> Rung | None:
    """The first rung of the ladder that fits, or None."""
    fitting = (rung for rung in ladder(encoder) if predict(encoder, rung, height, width) <= free_bytes)
    return next(fitting, None)


def held_bytes(device: torch.device) -> int:
    """What this process holds, in the memory that paints."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    give_back()  # or what was freed would count
    held: int = psutil.Process().memory_info().rss
    return held


def free_bytes(device: torch.device, limit_bytes: int | None, held_before: int) -> float:
    """What a painting may take above what the process held before it: what this machine, or this container, has left,
    or what is left of a limit. What the painting holds by now is its own to use.
    """
    own = held_bytes(device) - held_before
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        free = float(torch.cuda.mem_get_info(device)[0] + kept)
    else:
        free = min(psutil.virtual_memory().available, left_of_container())
    return RESERVE * (free + own if limit_bytes is None else min(free + own, limit_bytes - held_before))


def is_full(error: BaseException) -> bool:
    """Whether this is one of torch's several ways to say that there is no memory left."""
    # On a CPU torch has no class of its own for it, only this sentence.
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def left_of_container(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes left of a container's limit, which is not in what the machine says of itself; infinite without one.

    Linux's control groups, version 2, then 1. Files that were read long ago count as used there, but make room when
    they must.
    """
    for limit, used, stale in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        try:
            left = float((folder / limit).read_text()) - float((folder / used).read_text())
            counts = dict(line.split() for line in (folder / stale).read_text().splitlines())
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
        return left + float(counts.get("total_inactive_file", counts.get("inactive_file", 0)))
    return float("inf")
