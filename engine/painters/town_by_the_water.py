"""A town by the water: a photograph that nobody took, of gabled houses and their reflection, for the samples."""

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise, places

ASPECT = 0.75
WATERLINE = 0.64
WALLS = ("#e8d5a8", "#d9a066", "#c96f4a", "#b9c4c4", "#e9e2d0", "#8fa3a8", "#d8b4a0", "#a8b48a")
ROOFS = ("#8a3f2c", "#6f3a30", "#9a5238", "#54423f")


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, three quarters as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    down, across = places(height, width)
    canvas = Image.fromarray((np.clip(_sky(random, down), 0, 1) * 255).astype(np.uint8))
    _church(ImageDraw.Draw(canvas), width, height)
    _houses(random, ImageDraw.Draw(canvas), width, height)
    above = np.asarray(canvas, dtype=np.float64) / 255
    light = 0.86 + 0.28 * across / across.max() + 0.10 * (noise(random, (height, width), cells=60, octaves=4) - 0.5)
    above = above * (1 + (light - 1) * np.clip((down - 0.1) / 0.2, 0, 1))[..., None]  # the houses, not the sky
    picture = _water(random, above, down)
    return finished(picture + random.normal(0, 0.012, (height, width, 1)), size)


def _sky(random: np.random.Generator, down: Field) -> Field:
    clouds = noise(random, down.shape, cells=2.5, octaves=6)
    blue = gradient(np.clip(down / WATERLINE, 0, 1), ["#3f78b8", "#7fb0dc", "#d5e4ea"])
    white = gradient(np.clip(clouds * 1.3 - 0.2, 0, 1), ["#aab4c0", "#e4e6e8", "#ffffff"])
    return mix(blue, white, np.clip((clouds - 0.5) * 4, 0, 0.95))


def _church(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    left, right, top = 0.56 * width, 0.635 * width, 0.22 * height
    draw.rectangle((left, top, right, WATERLINE * height), fill="#cdbfa3")
    draw.rectangle((left + (right - left) * 0.62, top, right, WATERLINE * height), fill="#a89a80")
    draw.polygon([(left - 6, top), (right + 6, top), ((left + right) / 2, 0.045 * height)], fill="#5b7468")
    for row in range(3):
        at = top + (0.05 + 0.07 * row) * height
        draw.ellipse((left + 0.026 * width, at, right - 0.026 * width, at + 0.04 * height), fill="#3b3a3c")


def _houses(random: np.random.Generator, draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    """Two rows, the far one higher and paler; each house with gable, chimney, and windows in shade."""
    foot = WATERLINE * height
    for row in range(2):
        left = -0.04 * width
        while left < width:
            wide = random.uniform(0.075, 0.125) * width
            tall = random.uniform(0.17, 0.25) * height + (0.1 * height if row == 0 else 0)
            _house(random, draw, left, foot - tall, wide, foot, pale=row == 0)
            left += wide * random.uniform(0.93, 1.0)
    draw.rectangle((0, foot - 0.022 * height, width, foot), fill="#6d6459")
    for at in np.arange(0, width, 0.018 * width):
        draw.line((at, foot - 0.022 * height, at, foot), fill="#5a5148", width=2)


def _house(
    random: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    left: float,
    top: float,
    wide: float,
    foot: float,
    *,
    pale: bool,
) -> None:
    wall = Image.new("RGB", (1, 1), str(random.choice(WALLS))).getpixel((0, 0))
    roof = Image.new("RGB", (1, 1), str(random.choice(ROOFS))).getpixel((0, 0))
    assert isinstance(wall, tuple)  # noqa: S101  # an RGB picture's pixel is a tuple
    assert isinstance(roof, tuple)  # noqa: S101
    fade = 0.25 if pale else 0.0
    wall, roof = (tuple(round(c * (1 - fade) + 205 * fade) for c in colour) for colour in (wall, roof))
    dark = tuple(round(channel * 0.74) for channel in wall)
    gable = wide * random.uniform(0.5, 0.75)
    draw.rectangle((left, top, left + wide, foot), fill=wall)
    draw.rectangle((left + wide * 0.88, top, left + wide, foot), fill=dark)
    draw.polygon([(left - 5, top + 4), (left + wide + 5, top + 4), (left + wide / 2, top - gable)], fill=roof)
    chimney = left + wide * random.uniform(0.25, 0.4)
    draw.rectangle((chimney, top - gable * 0.85, chimney + wide * 0.09, top - gable * 0.3), fill=dark)
    for tile in range(6):
        share = tile / 6
        draw.line(
            (left + wide / 2 * share, top - gable * share, left + wide - wide / 2 * share, top - gable * share),
            fill=tuple(round(channel * 0.85) for channel in roof),
            width=2,
        )
    columns = int(random.integers(2, 5))
    floor = wide * 0.42
    for storey in range(int((foot - top) / floor)):
        for column in range(columns):
            x = left + wide * (column + 0.5) / columns
            y = top + floor * (storey + 0.28)
            half, tall = wide * 0.16 * 2 / columns, floor * 0.5
            draw.rectangle((x - half - 3, y - 3, x + half + 3, y + tall + 3), fill="#efe9da")
            glass = "#ffdf9a" if random.random() < 0.12 else "#3c4a58"
            draw.rectangle((x - half, y, x + half, y + tall), fill=glass)
            draw.line((x, y, x, y + tall), fill="#efe9da", width=3)
            draw.line((x - half, y + tall / 2, x + half, y + tall / 2), fill="#efe9da", width=3)


def _water(random: np.random.Generator, above: Field, down: Field) -> Field:
    """The town mirrored in slow water: wavering, greener, darker towards us."""
    height, width = down.shape
    line = round(WATERLINE * height)
    rows = np.arange(height)[:, None] - line
    waves = noise(random, (height, width), cells=2, octaves=3) - 0.5
    sway = np.sin(rows * 0.16 + 20 * waves) * (2 + 0.022 * np.clip(rows, 0, None))
    columns = np.clip(np.arange(width)[None] + sway.astype(int), 0, width - 1)
    lift = (np.sin(rows * 0.33 + 26 * waves) * 0.035 * np.clip(rows, 0, None)).astype(int)
    source = np.clip(line - (rows * 1.35).astype(int) + lift, 0, line - 1)
    deep = np.clip(rows / (height - line), 0, 1)[..., None]
    mirrored = above[source, columns] * (0.8 - 0.25 * deep) + np.array([0.02, 0.06, 0.07]) * (0.5 + deep)
    return np.where((rows >= 0)[..., None], mirrored, above)
