"""The door to the engine: `stylize` checks what it is given and runs the recipe that was asked for."""

import math
from collections.abc import Callable, Iterator, Sequence

from engine import coarse_to_fine, gatys
from engine.coarse_to_fine import INGREDIENTS, Ingredients
from engine.encoders import SMALLEST_EDGE, VGG19, Encoder
from engine.errors import OptionsRefused, OutOfMemory
from engine.heap import give_back
from engine.images import Pixels
from engine.memory import is_full
from engine.options import Options
from engine.step import Losses, Step, Style, Tensors
from engine.targets import MeasureCache

__all__ = ["Losses", "MeasureCache", "Step", "Style", "stylize"]


def stylize(
    content: Pixels,
    styles: Sequence[Style],
    encoder: Encoder,
    options: Options | None = None,
    *,
    cache: MeasureCache | None = None,
    resume: Tensors | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    ingredients: Ingredients = INGREDIENTS,
) -> Iterator[Step]:
    """Repaint the content in the style of the paintings, one `Step` an iteration.

    The last step's `image()` is the result. Stop iterating to cancel between steps: closing the generator frees its
    memory.

    Args:
        content: shape (height, width, 3), sRGB.
        styles: at least one; never enlarged.
        encoder: from `load_encoder`.
        options: the defaults if None.
        cache: of what paintings measure, for a caller who paints more than once.
        resume: what `Step.state()` of the same painting gave, to go on from there.
        is_cancelled: asked many times a step, which may take a minute where a picture is painted in blocks.
        ingredients: of the atelier recipe, for whoever measures what each of them gains.

    Raises:
        OptionsRefused: the options do not fit the pictures or the encoder, or there is no style.
        OutOfMemory: the picture does not fit into memory; at any step.
        Cancelled: it was; at any step.
        ValueError: an array of another shape.
    """
    options = options or Options()
    _check(content, styles)
    size = final_size(content, options.size)
    encoder = encoder.until(is_cancelled) if is_cancelled else encoder
    if options.recipe == "gatys":
        if not isinstance(encoder, VGG19):
            raise OptionsRefused("The gatys recipe is made for VGG-19; choose that encoder, or the atelier recipe.")
        if resume is not None or any(style.mask is not None for style in styles):
            raise OptionsRefused("The gatys recipe knows no masks and no resuming; choose the atelier recipe.")
        return _memory_guarded(gatys.paint(content, styles, encoder, options, *size))
    steps = coarse_to_fine.paint(
        content, styles, encoder, options, size, cache=cache, resume=resume, ingredients=ingredients
    )
    return _memory_guarded(steps)


def _check(content: Pixels, styles: Sequence[Style]) -> None:
    for pixels in (content, *(style.image for style in styles)):
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != "uint8":
            raise ValueError(f"want (height, width, 3) of uint8, got {pixels.shape} of {pixels.dtype}")
    if not styles:
        raise OptionsRefused("A painting needs at least one style; give a picture to learn from.")
    for number, style in enumerate(styles, start=1):
        if not (math.isfinite(style.weight) and style.weight > 0):
            raise OptionsRefused(f"The weight of style {number} must be above zero, not {style.weight}.")
        if style.mask is not None and style.mask.shape != content.shape[:2]:
            (height, width), (rows, columns) = content.shape[:2], style.mask.shape[:2]
            raise OptionsRefused(
                f"The mask of style {number} is {columns}×{rows} pixels, but the photo is {width}×{height}; "
                "make them the same size."
            )


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
    """The same steps, with torch's several ways to run out of memory made one, and nothing kept after the last."""
    try:
        yield from steps
    except (RuntimeError, MemoryError) as error:
        if not is_full(error):
            raise
        raise OutOfMemory("There is not enough memory to paint at this size; choose a smaller one.") from error
    finally:
        give_back()
