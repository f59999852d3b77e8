"""The door to the engine: `stylize` checks what it is given and runs the recipe that was asked for."""

from collections.abc import Iterator, Sequence

import torch

from engine import coarse_to_fine, gatys
from engine.encoders import SMALLEST_EDGE, VGG19, Encoder
from engine.errors import OptionsRefused, OutOfMemory
from engine.images import Pixels
from engine.options import Options
from engine.step import Losses, Step, Style

__all__ = ["Losses", "Step", "Style", "stylize"]


def stylize(
    content: Pixels, styles: Sequence[Style], encoder: Encoder, options: Options | None = None
) -> Iterator[Step]:
    """Repaint the content in the style of the paintings, one `Step` an iteration.

    The last step's `image()` is the result. Stop iterating to cancel: closing the generator frees its memory.

    Args:
        content: shape (height, width, 3), sRGB.
        styles: at least one; never enlarged.
        encoder: from `load_encoder`.
        options: the defaults if None.

    Raises:
        OptionsRefused: the options do not fit the pictures or the encoder.
        OutOfMemory: the picture does not fit into memory; at any step.
        ValueError: an array of another shape, or no style.
    """
    options = options or Options()
    for pixels in (content, *(style.image for style in styles)):
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != "uint8":
            raise ValueError(f"want (height, width, 3) of uint8, got {pixels.shape} of {pixels.dtype}")
    if not styles or min(style.weight for style in styles) <= 0:
        raise ValueError(f"want at least one style, each with a weight above 0, got {list(styles)}")
    height, width = final_size(content, options.size)
    if options.recipe == "gatys":
        if not isinstance(encoder, VGG19):
            raise OptionsRefused("The gatys recipe is made for VGG-19; choose that encoder, or the atelier recipe.")
        return _memory_guarded(gatys.paint(content, styles, encoder, options, height, width))
    return _memory_guarded(coarse_to_fine.paint(content, styles, encoder, options, height, width))


def final_size(content: Pixels, long_edge: int) -> tuple[int, int]:
    """(height, width) of the result: the content's shape, scaled to that long edge.

    Raises:
        OptionsRefused: so narrow a picture has too few pixels across at that size.
    """
    scale = long_edge / max(content.shape[:2])
    height, width = (max(1, round(edge * scale)) for edge in content.shape[:2])
    if min(height, width) < SMALLEST_EDGE:
        raise OptionsRefused(
            f"At {long_edge} pixels this picture would be only {min(height, width)} pixels across; "
            f"{SMALLEST_EDGE} are needed, so choose a larger size or a less narrow picture."
        )
    return height, width


def _memory_guarded(steps: Iterator[Step]) -> Iterator[Step]:
    """The same steps, with torch's several ways to run out of memory made one."""
    try:
        yield from steps
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory("There is not enough memory to paint at this size; choose a smaller one.") from error
    except RuntimeError as error:
        # On a CPU torch has no class of its own for it, only this sentence.
        if "can't allocate memory" not in str(error):
            raise
        raise OutOfMemory("There is not enough memory to paint at this size; choose a smaller one.") from error
