"""How much memory a scale will take, told before it is painted, and what to give up where there is not enough.

The ladder, from what costs nothing to what costs most: the encoder in bfloat16, activations that are computed twice
instead of kept, the picture in blocks (exact, `engine.tiles`), and last, by the caller, a smaller picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import torch

from engine.encoders import Encoder

BLOCK_EDGES: Final = (2048, 1536, 1024, 768, 512)
"""Of what a block sees, in pixels, largest first: the larger, the less is seen twice."""

PICTURE_BYTES: Final = 160
"""Per pixel of the picture, whatever the encoder: the picture, its gradient, two moments, the average, the copies of
all of them from when all was well, and the total variation's slope, 12 bytes each, and what is shown."""

NETWORK_BYTES: Final = {
    ("embedded", 2, False): 600.0,
    ("embedded", 2, True): 450.0,
    ("embedded", 4, False): 1000.0,
    ("embedded", 4, True): 800.0,
    ("vgg19", 2, False): 1600.0,
    ("vgg19", 2, True): 1200.0,
    ("vgg19", 4, False): 3000.0,
    ("vgg19", 4, True): 2300.0,
}
"""Per pixel that the encoder sees at once, by encoder, bytes of a number and checkpoints: feature maps, their gradients
and what the losses make of them. Estimates, generous ones: still to be measured."""
OTHER_ENCODER: Final = "vgg19"
"""Whose figures are taken for an encoder that has none: the larger one's."""

FIXED_BYTES: Final = 2**26
"""Whatever the size: buffers of the libraries."""
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
    as_it_is = encoder.precision
    yield Rung(as_it_is)
    low = as_it_is
    if as_it_is.itemsize > torch.bfloat16.itemsize and encoder.device.type in ("cpu", "cuda"):
        low = torch.bfloat16
        yield Rung(low)
    yield Rung(low, checkpoints=True)
    for edge in BLOCK_EDGES:
        yield Rung(low, block_edge=edge)


def predict(encoder: Encoder, rung: Rung, height: int, width: int) -> int:
    """Bytes that painting at this size takes at its highest, above what the process holds already."""
    seen = height * width
    if rung.block_edge is not None:
        seen = min(height, rung.block_edge) * min(width, rung.block_edge)
    key = encoder.name, rung.precision.itemsize, rung.checkpoints
    per_pixel = NETWORK_BYTES.get(key) or NETWORK_BYTES[(OTHER_ENCODER, *key[1:])]
    return FIXED_BYTES + round(PICTURE_BYTES * height * width + per_pixel * seen)


def choose(encoder: Encoder, height: int, width: int, free_bytes: float) -> Rung | None:
    """The first rung of the ladder that fits, or None."""
    fitting = (rung for rung in ladder(encoder) if predict(encoder, rung, height, width) <= free_bytes)
    return next(fitting, None)


def free_bytes(device: torch.device, limit_bytes: int | None) -> float:
    """What a painting may take: what this machine, or this container, has left, or what is left of a limit."""
    if device.type == "cuda":
        held: float = torch.cuda.memory_allocated(device)
        free = float(torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - held)
    else:
        held = psutil.Process().memory_info().rss
        free = min(psutil.virtual_memory().available, _left_of_container())
    return RESERVE * (free if limit_bytes is None else min(free, limit_bytes - held))


def is_full(error: BaseException) -> bool:
    """Whether this is one of torch's several ways to say that there is no memory left."""
    # On a CPU torch has no class of its own for it, only this sentence.
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def _left_of_container() -> float:
    """A container's limit is not in what the machine says of itself. Linux's control groups, version 2, then 1."""
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            return float(Path(limit).read_text()) - float(Path(used).read_text())
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
    return float("inf")
