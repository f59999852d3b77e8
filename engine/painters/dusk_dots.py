"""Dusk dots: a low sun over a bay, set down point by point in unmixed colours."""

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise, places

ASPECT = 0.8


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    scene = _scene(random, *places(height, width))
    canvas = Image.fromarray((gradient(places(height, width)[0], ["#d9a26b", "#b97a5e"]) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    unit = width / 1024
    for radius, dots in ((9.0, 9000), (6.0, 22000), (4.0, 42000), (2.6, 30000)):
        across, down = random.random(dots) * width, random.random(dots) * height
        colours = scene[down.astype(int), across.astype(int)]
        colours = _unmixed(random, colours)
        reach = radius * unit * random.uniform(0.7, 1.15, dots)
        for x, y, r, colour in zip(across, down, reach, (colours * 255).astype(int), strict=True):
            draw.ellipse((x - r, y - r * 0.92, x + r, y + r * 0.92), fill=tuple(colour))
    return finished(np.asarray(canvas, dtype=np.float64) / 255, size)


def _unmixed(random: np.random.Generator, colours: Field) -> Field:
    """Each dot purer than the scene, now and then its complement: the eye does the mixing."""
    grey = colours.mean(axis=1, keepdims=True)
    pure = grey + (colours - grey) * random.uniform(1.2, 1.9, (len(colours), 1))
    pure += random.normal(0, 0.07, pure.shape)
    other = grey - 0.6 * (pure - grey)  # as bright, but of the opposite hue
    is_other = random.random((len(colours), 1)) < 0.09
    chosen: Field = np.clip(np.where(is_other, other, pure), 0, 1)
    return chosen


def _scene(random: np.random.Generator, down: Field, across: Field) -> Field:
    """Sky, sun, far hills, water with the sun's path, and a dark shore with trees."""
    sun_down, sun_across = 0.42, 0.78
    clouds = noise(random, down.shape, cells=4, octaves=5)
    sky = gradient(
        np.clip(down / 0.55 + 0.25 * (clouds - 0.5), 0, 1), ["#2e3f87", "#6a5aa8", "#c86f9a", "#f08a5d", "#ffd27a"]
    )
    far = np.sqrt((down - sun_down) ** 2 + (across - sun_across) ** 2)
    sky = mix(sky, gradient(np.clip(far / 0.3, 0, 1), ["#fff6cf", "#ffd874", "#ff9e5e"]), np.exp(-((far / 0.16) ** 2)))
    ripples = noise(random, down.shape, cells=3, octaves=2) * 0.5 + 0.5 * np.sin(220 * down + 9 * np.sin(7 * across))
    water = gradient(np.clip((down - 0.52) / 0.48 + 0.18 * ripples, 0, 1), ["#f0a06a", "#9a6fa8", "#3f5f9f", "#1f3f6f"])
    path = np.exp(-(((across - sun_across) / (0.05 + 0.25 * (down - 0.5))) ** 2)) * np.clip(0.6 + 0.6 * ripples, 0, 1)
    water = mix(water, np.array([1.0, 0.84, 0.45]), path * (down > 0.52))
    picture = np.where((down < 0.52)[..., None], sky, water)
    ridge = 0.46 + 0.07 * noise(random, (2, down.shape[1]), cells=3, octaves=4)[0]
    hills = (down > ridge) & (down < 0.52)
    picture = np.where(hills[..., None], gradient(across / across.max(), ["#4a4f8f", "#8f6a9a", "#b0707f"]), picture)
    shore = 0.86 - 0.16 * np.exp(-((across / 0.45) ** 2))
    shore = shore + 0.05 * noise(random, (2, down.shape[1]), cells=5, octaves=4)[0]
    grass = gradient(noise(random, down.shape, cells=18, octaves=3), ["#1d4a4a", "#2f7a4a", "#7fa03f", "#d8c04a"])
    picture = np.where((down > shore)[..., None], grass, picture)
    for boat, water_line, tall in ((0.62, 0.565, 0.11), (1.02, 0.62, 0.16), (0.48, 0.535, 0.06)):
        picture = _sail(picture, down, across, boat, water_line, tall)
    for trunk, top, reach in ((0.27, 0.40, 0.13), (0.09, 0.28, 0.19)):
        picture = _shadow(picture, down - shore, across, trunk)
        picture = _tree(random, picture, down, across, shore, trunk, top, reach)
    return picture


def _sail(picture: Field, down: Field, across: Field, middle: float, foot: float, tall: float) -> Field:
    """A boat with one sail, and the sail's pale reflection."""
    up = (foot - down) / tall
    sail = (up > 0.12) & (up < 1) & (across - middle > -0.02 * tall) & (across - middle < 0.5 * tall * (1 - up))
    hull = (up > 0) & (up <= 0.12) & (np.abs(across - middle - 0.12 * tall) < tall * (0.3 + up))
    mirror = (up < 0) & (up > -0.7) & (across > middle) & (across - middle < 0.45 * tall * (1 + up / 0.7))
    picture = mix(picture, np.array([0.98, 0.86, 0.72]), 0.5 * mirror)
    picture = np.where(sail[..., None], gradient((across - middle) / (0.4 * tall), ["#8f7fb8", "#fff0c8"]), picture)
    return np.where(hull[..., None], np.array([0.25, 0.14, 0.32]), picture)


def _shadow(picture: Field, below_shore: Field, across: Field, trunk: float) -> Field:
    """Away from the sun, so towards us and to the left: violet on the grass."""
    lean = trunk - 0.9 * np.clip(below_shore - 0.03, 0, 1)
    share = np.exp(-(((across - lean) / (0.02 + 0.35 * np.clip(below_shore, 0, 1))) ** 2)) * (below_shore > 0.02)
    return mix(picture, np.array([0.16, 0.14, 0.42]), 0.75 * share)


def _tree(
    random: np.random.Generator,
    picture: Field,
    down: Field,
    across: Field,
    shore: Field,
    trunk: float,
    top: float,
    reach: float,
) -> Field:
    """A bent trunk under a crown of round tufts, each gold towards the sun and blue away from it."""
    bent = trunk + 0.02 * np.sin(9 * down)
    stem = (np.abs(across - bent) < 0.009 + 0.02 * np.clip(down - top - 0.2, 0, 1)) & (down > top)
    stem &= down < shore + 0.03
    picture = np.where(stem[..., None], gradient((across - bent) / 0.03 + 0.5, ["#2a1440", "#a8502f"]), picture)
    for _ in range(46):
        angle, far = random.uniform(0, 2 * np.pi), reach * np.sqrt(random.uniform(0, 1)) * 0.85
        middle_down, middle_across = top + 0.95 * far * np.sin(angle), trunk + 1.1 * far * np.cos(angle)
        size = reach * random.uniform(0.17, 0.34)
        east, south = (across - middle_across) / size, (down - middle_down) / size
        light = np.clip(0.45 + 0.42 * east - 0.15 * south + 0.5 * (middle_across - trunk) / reach, 0, 1)
        tuft = gradient(light, ["#14265f", "#175a5a", "#3f9a4a", "#c8c83f", "#ffc24a"])
        picture = np.where((east**2 + south**2 < 1)[..., None], tuft, picture)
    return picture
