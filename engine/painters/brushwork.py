"""A motif painted with brushes: strokes that follow it, coarse ones first, and stay within what they stand for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from engine.painters.canvas import SUPERSAMPLING, Field, ThickPaint

STEPS: Final = 8
"""The points of a stroke."""


@dataclass(frozen=True)
class Motif:
    """What the brush follows, a value a pixel each."""

    colours: Field
    angles: Field
    """Of the strokes; an angle stands for both ways along it."""
    detail: Field
    """0 where a broad brush will do, 1 where only the finest one is fine enough."""
    length: Field
    """Of the strokes, in usual lengths."""
    spread: Field
    """How much lighter or darker a stroke may be than what it stands for."""
    kinds: Field
    """What is seen there, as small whole numbers."""

    def enlarged(self, height: int, width: int) -> "Motif":
        """The same at another size."""

        def resized(values: Field) -> Field:
            picture = Image.fromarray(values.astype(np.float32))
            return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))

        colours = np.stack([resized(self.colours[..., channel]) for channel in range(3)], axis=-1)
        angles = np.arctan2(resized(np.sin(2 * self.angles)), resized(np.cos(2 * self.angles))) / 2
        kinds = Image.fromarray(self.kinds.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
        detail, length, spread = (resized(values) for values in (self.detail, self.length, self.spread))
        return Motif(colours, angles, detail, length, spread, np.asarray(kinds))


@dataclass(frozen=True)
class Brush:
    """Its breadth in 1024ths of the long edge, how many strokes it tries, and from and up to which detail it paints."""

    breadth: float
    strokes: int
    least: float
    most: float


def painted(
    random: np.random.Generator,
    motif: Motif,
    brushes: Sequence[Brush],
    may_stray: Callable[[int, int], bool] = lambda start, end: False,
) -> ThickPaint:
    """The motif in strokes; none goes from one kind of thing to another, unless a little where it may stray."""
    canvas = ThickPaint(motif.colours)
    unit = max(canvas.width, canvas.height) / 1024
    for brush in brushes:
        breadth = brush.breadth * unit
        if breadth < SUPERSAMPLING:
            continue  # narrower than a pixel in the end: it would be work that nobody sees
        for path, along in zip(*_paths(random, motif, brush, breadth), strict=True):
            strays = np.flatnonzero(along != along[0])
            end = strays[0] + 2 * may_stray(along[0], along[strays[0]]) if len(strays) else STEPS
            if end < 3:
                continue
            across, down = path[min(end, STEPS) // 2].astype(int)
            colour = motif.colours[down, across] * random.normal(1, motif.spread[down, across])
            canvas.stroke(path[:end], breadth * random.uniform(0.7, 1.1), np.clip(colour, 0, 1), random)
    return canvas


def _paths(random: np.random.Generator, motif: Motif, brush: Brush, breadth: float) -> tuple[Field, Field]:
    """Of the brush's strokes: the points, shape (count, STEPS, 2), and the kinds there, shape (count, STEPS)."""
    height, width = motif.angles.shape
    limits = np.array([width - 1, height - 1])
    places = random.uniform(0, 1, (brush.strokes, 2)) * limits
    across, down = places.astype(int).T
    detail = motif.detail[down, across]
    places = places[(brush.least <= detail) & (detail < brush.most)]
    steps = breadth * random.uniform(0.35, 0.6, (len(places), 1))
    ahead = np.zeros_like(places)
    points, kinds = [], []
    for _ in range(STEPS):
        points.append(places)
        across, down = places.astype(int).T
        kinds.append(motif.kinds[down, across])
        angles = motif.angles[down, across]
        either = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        ahead = np.where((np.einsum("ij,ij->i", either, ahead) < 0)[:, None], -either, either)
        places = np.clip(places + steps * motif.length[down, across][:, None] * ahead, 0, limits)
    return np.stack(points, axis=1), np.stack(kinds, axis=1)
