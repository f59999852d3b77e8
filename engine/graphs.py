"""A network's passes as one CUDA graph, launched at once: kernel by kernel is most of the time of a small picture.

What follows the network (losses, Adam, the average) stays outside: roots of matrices cannot be captured.
"""

from collections.abc import Callable, Collection
from typing import cast

import torch
from torch import Tensor

from engine.encoders import Look, Maps
from engine.memory import is_full


def captured(look: Look, device: torch.device, layers: tuple[str, ...], height: int, width: int) -> Look:
    """The same, fast for pictures of that size and exactly these layers; where capture fails, as it is.

    The maps it gives are overwritten by the next call, so each must have been used by then.

    Args:
        look: an encoder's way to look at a picture, without checkpoints.
        device: where it lies, a CUDA one.
        layers: all that will be asked for.
        height: in pixels.
        width: in pixels.

    Raises:
        RuntimeError: there is no memory (`engine.memory.is_full`).
    """

    def passes(picture: Tensor) -> tuple[Tensor, ...]:
        maps = look(picture, layers)
        return tuple(maps[layer] for layer in layers)

    sample = torch.zeros((1, 3, height, width), device=device, requires_grad=True)
    try:
        graphed = cast("Callable[[Tensor], tuple[Tensor, ...]]", torch.cuda.make_graphed_callables(passes, (sample,)))
    except RuntimeError as error:
        if is_full(error):
            raise
        return look

    def replay(picture: Tensor, asked: Collection[str]) -> Maps:
        if set(asked) != set(layers):
            raise ValueError(f"captured for {layers}, not {asked}")
        return dict(zip(layers, graphed(picture), strict=True))

    return replay
