"""What every painter needs: noise, gradients of colours, strokes with bristles, light on thick paint."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from engine.images import Pixels

Field = npt.NDArray[Any]
"""Floats: shape (height, width) for one number a pixel, (height, width, 3) for a colour in 0..1.

Any, because numpy's own functions do not keep the kind of number.
"""

SUPERSAMPLING: Final = 2
"""Painters draw so many times larger and reduce at the end: Pillow draws without antialiasing."""


def noise(
    random: np.random.Generator, shape: tuple[int, ...], cells: float, octaves: int = 5, stretch: float = 1
) -> Field:
    """Fractal noise in 0..1: `cells` bumps across the width, each octave twice as fine and half as strong.

    Args:
        shape: (height, width).
        stretch: how many times wider than high a bump is.
    """
    height, width = shape
    total = np.zeros((height, width))
    for octave in range(octaves):
        across = max(2, round(cells * 2**octave))
        down = max(2, round(across * height / width * stretch))
        grid = Image.fromarray(random.random((down, across)).astype(np.float32))
        total += np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC)) / 2**octave
    low, high = total.min(), total.max()
    scaled: Field = (total - low) / (high - low)
    return scaled


def places(height: int, width: int) -> tuple[Field, Field]:
    """Every pixel's place down and across, 0..1 over the height and 0..width/height over the width."""
    down, across = np.mgrid[0:height, 0:width]
    return down / height, across / height


def gradient(values: Field, colours: Sequence[str]) -> Field:
    """Colours, as `#rrggbb`, spread evenly over 0..1 and looked up by the values."""
    stops = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours])
    spread = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(values, spread, stops[:, channel]) for channel in range(3)], axis=-1)


def soften(values: Field, reach: float) -> Field:
    """Values in 0..1 blurred over so many pixels: reduced, and enlarged again."""
    height, width = values.shape
    small = (max(2, round(width / reach)), max(2, round(height / reach)))
    image = Image.fromarray(values.astype(np.float32)).resize(small, Image.Resampling.BOX)
    softened: Field = np.clip(np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)), 0, 1)
    return softened


def mix(below: Field, above: Field, share: Field | float) -> Field:
    """`share` of the colour above over the one below."""
    if isinstance(share, np.ndarray):
        share = np.clip(share, 0, 1)[..., None]
    return below * (1 - share) + above * share


def finished(colours: Field, size: int) -> Pixels:
    """The painting at its own size, from the larger one it was drawn at."""
    picture = Image.fromarray((np.clip(colours, 0, 1) * 255).round().astype(np.uint8))
    height, width = colours.shape[:2]
    factor = size / max(height, width)
    return np.asarray(picture.resize((round(width * factor), round(height * factor)), Image.Resampling.LANCZOS))


class ThickPaint:
    """A canvas of brush strokes with bristles, and the relief that they leave."""

    def __init__(self, ground: Field) -> None:
        self.height, self.width = ground.shape[:2]
        self.colours = Image.fromarray((np.clip(ground, 0, 1) * 255).astype(np.uint8))
        self.relief = Image.new("L", (self.width, self.height), 90)
        self._paint = ImageDraw.Draw(self.colours)
        self._press = ImageDraw.Draw(self.relief)

    def stroke(self, path: Field, width: float, colour: Field, random: np.random.Generator) -> None:
        """Draw along a path of (across, down) points: bristles side by side, each a little lighter or darker."""
        bristles = max(2, round(width / 2.5))
        along = np.gradient(path, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
        # Thin at both ends, as a brush that is set down and lifted.
        taper = np.sin(np.linspace(0.25, np.pi - 0.15, len(path)))[:, None]
        thickness = max(1, round(width / bristles * 1.5))
        for place in np.linspace(-0.5, 0.5, bristles):
            points = [tuple(point) for point in path + across * (place * width) * taper]
            tone = np.clip(colour + random.normal(0, 0.035), 0, 1)
            self._paint.line(points, fill=tuple((tone * 255).astype(int)), width=thickness, joint="curve")
            press = 90 + 110 * (1 - (2 * place) ** 2) * random.uniform(0.4, 1.0)
            self._press.line(points, fill=int(press), width=thickness, joint="curve")

    def lit(self, strength: float = 1.6) -> Field:
        """The painting with light from the upper left on its relief."""
        relief = np.asarray(self.relief.filter(ImageFilter.GaussianBlur(1.2)), dtype=np.float64) / 255
        slope = np.sum(np.gradient(relief), axis=0)
        light = np.clip(-slope * strength, -0.3, 0.3)[..., None]
        colours = np.asarray(self.colours, dtype=np.float64) / 255
        lit: Field = np.clip(colours * (1 + light) + np.clip(light, 0, 1) * 0.25, 0, 1)
        return lit


def follow(start: Field, direction: Field, steps: int, length: float) -> Field:
    """The path of (across, down) points from `start` along a field of angles, `steps` of them, `length` apart."""
    height, width = direction.shape
    path = np.empty((steps, 2))
    path[0] = start
    for step in range(1, steps):
        across, down = path[step - 1]
        angle = direction[int(np.clip(down, 0, height - 1)), int(np.clip(across, 0, width - 1))]
        path[step] = path[step - 1] + length * np.array([np.cos(angle), np.sin(angle)])
    return path


def curve(points: Field, steps: int = 24) -> Field:
    """A smooth line through the points (Catmull-Rom), `steps` of its own between each two of them."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True)
    ]
    return np.concatenate([*pieces, points[-1:]])
